// Package extender calls scheduler extenders: webhooks that filter, score, bind and preempt beside the plugins.
package extender

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "k8s.io/api/core/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/sets"
	restclient "k8s.io/client-go/rest"
	configv1 "k8s.io/kube-scheduler/config/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Extender is one configured webhook.
type Extender struct {
	cfg     configv1.Extender
	client  *http.Client
	managed sets.Set[string]
}

var _ fwk.Extender = &Extender{}

// NewAll makes all configured extenders.
func NewAll(configs []configv1.Extender) ([]fwk.Extender, error) {
	var out []fwk.Extender
	for i := range configs {
		one, err := New(configs[i])
		if err != nil {
			return nil, fmt.Errorf("extender %s: %w", configs[i].URLPrefix, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// New makes one.
func New(cfg configv1.Extender) (*Extender, error) {
	tls := restclient.TLSClientConfig{Insecure: true}
	if cfg.TLSConfig != nil {
		tls = restclient.TLSClientConfig{
			Insecure: cfg.TLSConfig.Insecure, ServerName: cfg.TLSConfig.ServerName,
			CertFile: cfg.TLSConfig.CertFile, KeyFile: cfg.TLSConfig.KeyFile, CAFile: cfg.TLSConfig.CAFile,
			CertData: cfg.TLSConfig.CertData, KeyData: cfg.TLSConfig.KeyData, CAData: cfg.TLSConfig.CAData,
		}
	}
	if cfg.EnableHTTPS && len(tls.CAFile) == 0 && len(tls.CAData) == 0 && cfg.TLSConfig != nil && !cfg.TLSConfig.Insecure {
		tls.Insecure = true
	}
	tlsConfig, err := restclient.TLSConfigFor(&restclient.Config{TLSClientConfig: tls})
	if err != nil {
		return nil, err
	}
	e := &Extender{
		cfg: cfg, managed: sets.New[string](),
		client: &http.Client{Transport: utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tlsConfig}), Timeout: cfg.HTTPTimeout.Duration},
	}
	for _, resource := range cfg.ManagedResources {
		e.managed.Insert(resource.Name)
	}
	return e, nil
}

func (e *Extender) Name() string             { return e.cfg.URLPrefix }
func (e *Extender) IsIgnorable() bool        { return e.cfg.Ignorable }
func (e *Extender) IsBinder() bool           { return e.cfg.BindVerb != "" }
func (e *Extender) IsFilter() bool           { return e.cfg.FilterVerb != "" }
func (e *Extender) IsPrioritizer() bool      { return e.cfg.PrioritizeVerb != "" }
func (e *Extender) SupportsPreemption() bool { return e.cfg.PreemptVerb != "" }

// IsInterested tells whether the pod asks for a resource the extender manages; one that manages none wants all pods.
func (e *Extender) IsInterested(pod *v1.Pod) bool {
	if e.managed.Len() == 0 {
		return true
	}
	for _, containers := range [][]v1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if e.managed.Has(string(name)) {
					return true
				}
			}
			for name := range containers[i].Resources.Limits {
				if e.managed.Has(string(name)) {
					return true
				}
			}
		}
	}
	return false
}

// Filter asks which nodes the pod may go to.
func (e *Extender) Filter(pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodeInfo, extenderv1.FailedNodesMap, extenderv1.FailedNodesMap, error) {
	if !e.IsFilter() {
		return nodes, extenderv1.FailedNodesMap{}, extenderv1.FailedNodesMap{}, nil
	}
	var result extenderv1.ExtenderFilterResult
	if err := e.call(e.cfg.FilterVerb, e.args(pod, nodes), &result); err != nil {
		return nil, nil, nil, err
	}
	if result.Error != "" {
		return nil, nil, nil, fmt.Errorf("%s", result.Error)
	}
	byName := make(map[string]fwk.NodeInfo, len(nodes))
	for _, node := range nodes {
		byName[node.Node().Name] = node
	}
	var names []string
	if e.cfg.NodeCacheCapable && result.NodeNames != nil {
		names = *result.NodeNames
	} else if result.Nodes != nil {
		for i := range result.Nodes.Items {
			names = append(names, result.Nodes.Items[i].Name)
		}
	}
	kept := make([]fwk.NodeInfo, 0, len(names))
	for _, name := range names {
		node, ok := byName[name]
		if !ok {
			return nil, nil, nil, fmt.Errorf("extender %q claims a filtered node %q which is not found in the input node list", e.Name(), name)
		}
		kept = append(kept, node)
	}
	return kept, result.FailedNodes, result.FailedAndUnresolvableNodes, nil
}

// Prioritize asks for scores.
func (e *Extender) Prioritize(pod *v1.Pod, nodes []fwk.NodeInfo) (*extenderv1.HostPriorityList, int64, error) {
	result := extenderv1.HostPriorityList{}
	if !e.IsPrioritizer() {
		for _, node := range nodes {
			result = append(result, extenderv1.HostPriority{Host: node.Node().Name})
		}
		return &result, 0, nil
	}
	if err := e.call(e.cfg.PrioritizeVerb, e.args(pod, nodes), &result); err != nil {
		return nil, 0, err
	}
	return &result, e.cfg.Weight, nil
}

// Bind lets the extender bind the pod.
func (e *Extender) Bind(binding *v1.Binding) error {
	if !e.IsBinder() {
		return fmt.Errorf("unexpected empty bindVerb in extender")
	}
	var result extenderv1.ExtenderBindingResult
	if err := e.call(e.cfg.BindVerb, &extenderv1.ExtenderBindingArgs{
		PodName: binding.Name, PodNamespace: binding.Namespace, PodUID: binding.UID, Node: binding.Target.Name,
	}, &result); err != nil {
		return err
	}
	if result.Error != "" {
		return fmt.Errorf("%s", result.Error)
	}
	return nil
}

// ProcessPreemption lets the extender strike nodes off, or name other victims.
func (e *Extender) ProcessPreemption(pod *v1.Pod, victims map[string]*extenderv1.Victims, nodes fwk.NodeInfoLister) (map[string]*extenderv1.Victims, error) {
	if !e.SupportsPreemption() {
		return nil, fmt.Errorf("preempt verb is not defined for extender %v but run into ProcessPreemption", e.Name())
	}
	args := &extenderv1.ExtenderPreemptionArgs{Pod: pod}
	if e.cfg.NodeCacheCapable {
		args.NodeNameToMetaVictims = map[string]*extenderv1.MetaVictims{}
		for node, list := range victims {
			meta := &extenderv1.MetaVictims{NumPDBViolations: list.NumPDBViolations}
			for _, victim := range list.Pods {
				meta.Pods = append(meta.Pods, &extenderv1.MetaPod{UID: string(victim.UID)})
			}
			args.NodeNameToMetaVictims[node] = meta
		}
	} else {
		args.NodeNameToVictims = victims
	}
	var result extenderv1.ExtenderPreemptionResult
	if err := e.call(e.cfg.PreemptVerb, args, &result); err != nil {
		return nil, err
	}
	out := map[string]*extenderv1.Victims{}
	for node, meta := range result.NodeNameToMetaVictims {
		info, err := nodes.Get(node)
		if err != nil {
			return nil, err
		}
		list := &extenderv1.Victims{NumPDBViolations: meta.NumPDBViolations}
		for _, victim := range meta.Pods {
			found := podOn(info, victim.UID)
			if found == nil {
				return nil, fmt.Errorf("extender: %v claims to preempt pod (UID: %v) on node: %v, but the pod is not found on that node", e.Name(), victim.UID, node)
			}
			list.Pods = append(list.Pods, found)
		}
		out[node] = list
	}
	return out, nil
}

func podOn(info fwk.NodeInfo, uid string) *v1.Pod {
	for _, pod := range info.GetPods() {
		if string(pod.GetPod().UID) == uid {
			return pod.GetPod()
		}
	}
	return nil
}

func (e *Extender) args(pod *v1.Pod, nodes []fwk.NodeInfo) *extenderv1.ExtenderArgs {
	args := &extenderv1.ExtenderArgs{Pod: pod}
	if e.cfg.NodeCacheCapable {
		names := make([]string, 0, len(nodes))
		for _, node := range nodes {
			names = append(names, node.Node().Name)
		}
		args.NodeNames = &names
		return args
	}
	args.Nodes = &v1.NodeList{}
	for _, node := range nodes {
		args.Nodes.Items = append(args.Nodes.Items, *node.Node())
	}
	return args
}

func (e *Extender) call(verb string, args, result any) error {
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	url := strings.TrimRight(e.cfg.URLPrefix, "/") + "/" + verb
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, response.Body)
		return fmt.Errorf("failed %v with extender at URL %v, code %v", verb, url, response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(result)
}

// Ignored are the resources that extenders manage and plugins must not count.
func Ignored(configs []configv1.Extender) []string {
	out := sets.New[string]()
	for i := range configs {
		for _, resource := range configs[i].ManagedResources {
			if resource.IgnoredByScheduler {
				out.Insert(resource.Name)
			}
		}
	}
	return sets.List(out)
}
