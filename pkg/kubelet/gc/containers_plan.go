package gc

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

// Policy says how many dead containers are kept.
type Policy struct {
	MaxPerContainer, MaxContainers int
	MinAge                         time.Duration
}

// Containers decides which dead containers go. A pod that is not known, or has ended for good and is being deleted, keeps none.
func Containers(all []*runtimeapi.Container, p Policy, keepNone func(types.UID) bool, now time.Time) []*runtimeapi.Container {
	type unit struct{ uid, name string }
	units := map[unit][]*runtimeapi.Container{}
	var out []*runtimeapi.Container
	for _, c := range all {
		if c.GetState() == runtimeapi.ContainerState_CONTAINER_RUNNING || now.Sub(time.Unix(0, c.GetCreatedAt())) < p.MinAge {
			continue
		}
		uid := kubelettypes.GetPodUID(c.GetLabels())
		if keepNone(types.UID(uid)) {
			out = append(out, c)
			continue
		}
		if c.GetState() == runtimeapi.ContainerState_CONTAINER_CREATED {
			continue // about to be started
		}
		u := unit{uid, kubelettypes.GetContainerName(c.GetLabels())}
		units[u] = append(units[u], c)
	}
	trim := func(most int) {
		for u, list := range units {
			newestFirst(list)
			if len(list) > most {
				out = append(out, list[most:]...)
				units[u] = list[:most]
			}
		}
	}
	if p.MaxPerContainer >= 0 {
		trim(p.MaxPerContainer)
	}
	if p.MaxContainers < 0 {
		return out
	}
	count := func() (n int) {
		for _, list := range units {
			n += len(list)
		}
		return n
	}
	if count() > p.MaxContainers {
		// As many for each as there is room for, at least one; then the oldest of all.
		trim(max(p.MaxContainers/len(units), 1))
	}
	if n := count(); n > p.MaxContainers {
		var flat []*runtimeapi.Container
		for _, list := range units {
			flat = append(flat, list...)
		}
		newestFirst(flat)
		out = append(out, flat[p.MaxContainers:]...)
	}
	return out
}

func newestFirst(list []*runtimeapi.Container) {
	slices.SortFunc(list, func(a, b *runtimeapi.Container) int {
		return cmp.Or(cmp.Compare(b.GetCreatedAt(), a.GetCreatedAt()), cmp.Compare(a.GetId(), b.GetId()))
	})
}

// Sandboxes decides which sandboxes go: dead ones without containers of pods that are gone, or that have a newer one.
func Sandboxes(all []*runtimeapi.PodSandbox, used map[string]bool, keepNone func(types.UID) bool) []*runtimeapi.PodSandbox {
	newest := map[string]*runtimeapi.PodSandbox{}
	for _, s := range all {
		uid := s.GetMetadata().GetUid()
		if old := newest[uid]; old == nil || old.GetCreatedAt() < s.GetCreatedAt() {
			newest[uid] = s
		}
	}
	var out []*runtimeapi.PodSandbox
	for _, s := range all {
		uid := s.GetMetadata().GetUid()
		if s.GetState() == runtimeapi.PodSandboxState_SANDBOX_READY || used[s.GetId()] {
			continue
		}
		if keepNone(types.UID(uid)) || newest[uid] != s {
			out = append(out, s)
		}
	}
	return out
}
