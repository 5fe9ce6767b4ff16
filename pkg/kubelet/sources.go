package kubelet

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	podrules "tiphys.dev/apirules/core/pod"

	"tiphys.dev/tiphys/pkg/kubelet/podsource"
)

// apiPods lets pods of the API server in: mirrors to the Mirror, the others to their workers.
type apiPods struct {
	k      *rooms
	synced func()
}

func (h apiPods) Set(pod *v1.Pod) {
	if podsource.IsMirror(pod) {
		h.k.mirror.SetMirror(pod)
		return
	}
	h.k.workers.Set(pod)
}

func (h apiPods) Remove(uid types.UID) {
	if !h.k.mirror.RemoveMirror(uid) {
		h.k.workers.Remove(uid)
	}
}

func (h apiPods) Synced() { h.synced() }

// staticPods lets static pods in, and has a mirror made for each.
type staticPods struct {
	k      *rooms
	synced func()
}

func (h staticPods) Set(pod *v1.Pod) {
	h.k.workers.Set(pod)
	if h.k.mirror != nil {
		h.k.mirror.SetStatic(pod)
	}
}

func (h staticPods) Remove(uid types.UID) {
	h.k.workers.Remove(uid)
	if h.k.mirror != nil {
		h.k.mirror.RemoveStatic(uid)
	}
}

func (h staticPods) Synced() { h.synced() }

// sources builds the configured pod sources. When all have delivered, what nobody wants is cleaned away.
func (r *rooms) sources() ([]func(context.Context) error, error) {
	rules := podsource.Rules{SetDefaults: podrules.SetDefaults, Validate: podrules.ValidateStatic, Decoder: scheme.Codecs.UniversalDeserializer()}
	var waiting atomic.Int32
	synced := func() {
		if waiting.Add(-1) == 0 {
			r.cleanOrphans()
		}
	}
	kc := &r.cfg.Kubelet
	var runs []func(context.Context) error
	if r.cfg.Client != nil {
		s, err := podsource.NewAPI(r.cfg.Client, r.cfg.NodeName, apiPods{r, synced})
		if err != nil {
			return nil, err
		}
		runs = append(runs, s.Run)
	}
	if kc.StaticPodPath != "" {
		s, err := podsource.NewFiles(podsource.FilesConfig{Path: kc.StaticPodPath, NodeName: r.cfg.NodeName,
			Period: kc.FileCheckFrequency.Duration, Rules: rules, Handler: staticPods{r, synced}})
		if err != nil {
			return nil, err
		}
		runs = append(runs, s.Run)
	}
	if kc.StaticPodURL != "" {
		s, err := podsource.NewURL(podsource.URLConfig{URL: kc.StaticPodURL, Header: http.Header(kc.StaticPodURLHeader),
			NodeName: r.cfg.NodeName, Period: kc.HTTPCheckFrequency.Duration, Rules: rules, Handler: staticPods{r, synced}})
		if err != nil {
			return nil, err
		}
		runs = append(runs, s.Run)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("kubelet: neither an API server nor a static pod source is configured")
	}
	waiting.Store(int32(len(runs)))
	return runs, nil
}

// cleanOrphans hands everything that is on the node to the workers, which remove what no source wants.
func (r *rooms) cleanOrphans() {
	var present []types.UID
	for _, p := range r.observer.All() {
		present = append(present, p.UID)
	}
	if onDisk, err := r.volumes.PodsOnDisk(); err == nil {
		present = append(present, onDisk...)
	}
	if groups, err := r.cgroups.ListPods(); err == nil {
		present = append(present, groups...)
	}
	r.workers.CleanOrphans(present)
	r.synced.Store(true)
}
