package cache

import (
	"fmt"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
)

// What a container that asks for nothing counts as when nodes are scored, so that such pods do not all land on one node.
const (
	DefaultMilliCPURequest int64 = 100
	DefaultMemoryRequest   int64 = 200 * 1024 * 1024
)

var nonZeroRequests = v1.ResourceList{
	v1.ResourceCPU:    *resource.NewMilliQuantity(DefaultMilliCPURequest, resource.DecimalSI),
	v1.ResourceMemory: *resource.NewQuantity(DefaultMemoryRequest, resource.DecimalSI),
}

// PodInfo is a pod with what is computed from it once: its requests and its parsed affinity terms.
type PodInfo struct {
	pod *v1.Pod

	requiredAffinity      []fwk.AffinityTerm
	requiredAntiAffinity  []fwk.AffinityTerm
	preferredAffinity     []fwk.WeightedAffinityTerm
	preferredAntiAffinity []fwk.WeightedAffinityTerm
	// terms are the keys of all affinity terms, for the Terms index; nil for the many pods without any.
	terms []podTerm

	resource Resource
	non0CPU  int64
	non0Mem  int64
	hasPorts bool
}

var _ fwk.PodInfo = &PodInfo{}

// NewPodInfo computes what can be computed from the pod alone. It fails only on selectors the API would not have accepted;
// the PodInfo is then still usable and carries the terms that could be parsed.
func NewPodInfo(pod *v1.Pod) (*PodInfo, error) {
	p := &PodInfo{pod: pod}
	p.calculate()
	p.hasPorts = usesHostPorts(pod)
	affinity := pod.Spec.Affinity
	if affinity == nil || (affinity.PodAffinity == nil && affinity.PodAntiAffinity == nil) {
		return p, nil
	}
	return p, p.parseTerms(affinity)
}

func (p *PodInfo) parseTerms(affinity *v1.Affinity) error {
	var failures []string
	note := func(err error) {
		if err != nil {
			failures = append(failures, err.Error())
		}
	}
	var err error
	p.requiredAffinity, err = fwk.GetAffinityTerms(p.pod, fwk.GetPodAffinityTerms(affinity))
	note(err)
	p.requiredAntiAffinity, err = fwk.GetAffinityTerms(p.pod, fwk.GetPodAntiAffinityTerms(affinity))
	note(err)
	if affinity.PodAffinity != nil {
		p.preferredAffinity, err = fwk.GetWeightedAffinityTerms(p.pod, affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
		note(err)
	}
	if affinity.PodAntiAffinity != nil {
		p.preferredAntiAffinity, err = fwk.GetWeightedAffinityTerms(p.pod, affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
		note(err)
	}
	for i := range p.requiredAffinity {
		p.addTerm(RequiredAffinity, &p.requiredAffinity[i], 0)
	}
	for i := range p.requiredAntiAffinity {
		p.addTerm(RequiredAntiAffinity, &p.requiredAntiAffinity[i], 0)
	}
	for i := range p.preferredAffinity {
		p.addTerm(PreferredAffinity, &p.preferredAffinity[i].AffinityTerm, p.preferredAffinity[i].Weight)
	}
	for i := range p.preferredAntiAffinity {
		p.addTerm(PreferredAntiAffinity, &p.preferredAntiAffinity[i].AffinityTerm, p.preferredAntiAffinity[i].Weight)
	}
	if len(failures) > 0 {
		return fmt.Errorf("parsing affinity terms of pod %s/%s: %s", p.pod.Namespace, p.pod.Name, strings.Join(failures, "; "))
	}
	return nil
}

func (p *PodInfo) addTerm(kind TermKind, term *fwk.AffinityTerm, weight int32) {
	p.terms = append(p.terms, podTerm{
		key:  fmt.Sprintf("%d|%d|%s", kind, weight, TermKey(term)),
		kind: kind, term: term, weight: weight,
	})
}

// TermKey is equal for terms that select the same pods and group them by the same topology.
func TermKey(term *fwk.AffinityTerm) string {
	names := term.Namespaces.UnsortedList()
	sort.Strings(names)
	return strings.Join(names, ",") + "|" + term.NamespaceSelector.String() + "|" + term.Selector.String() + "|" + term.TopologyKey
}

func (p *PodInfo) GetPod() *v1.Pod                                  { return p.pod }
func (p *PodInfo) GetRequiredAffinityTerms() []fwk.AffinityTerm     { return p.requiredAffinity }
func (p *PodInfo) GetRequiredAntiAffinityTerms() []fwk.AffinityTerm { return p.requiredAntiAffinity }
func (p *PodInfo) GetPreferredAffinityTerms() []fwk.WeightedAffinityTerm {
	return p.preferredAffinity
}
func (p *PodInfo) GetPreferredAntiAffinityTerms() []fwk.WeightedAffinityTerm {
	return p.preferredAntiAffinity
}

// CalculateResource returns what was computed when the PodInfo was made.
func (p *PodInfo) CalculateResource() fwk.PodResource {
	return fwk.PodResource{Resource: &p.resource, Non0CPU: p.non0CPU, Non0Mem: p.non0Mem}
}

// Requests is the pod's effective request: sidecars, init containers, overhead, pod-level resources and what a resize in
// progress still holds.
func (p *PodInfo) Requests() *Resource { return &p.resource }

// WithPod returns a copy of the PodInfo whose pod is the given one; nothing that was computed may differ.
func (p *PodInfo) WithPod(pod *v1.Pod) *PodInfo {
	out := *p
	out.pod = pod
	return &out
}

func (p *PodInfo) calculate() {
	options := resourcehelper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	requests := resourcehelper.PodRequests(p.pod, options)
	p.resource.AddList(requests)
	p.non0CPU, p.non0Mem = p.resource.MilliCPU, p.resource.Memory
	// Only when some container leaves out CPU or memory can the filled-up sum differ.
	if missesRequests(p.pod) {
		options.NonMissingContainerRequests = nonZeroRequests
		filled := resourcehelper.PodRequests(p.pod, options)
		p.non0CPU, p.non0Mem = filled.Cpu().MilliValue(), filled.Memory().Value()
	}
}

func missesRequests(pod *v1.Pod) bool {
	misses := func(containers []v1.Container) bool {
		for i := range containers {
			if _, ok := containers[i].Resources.Requests[v1.ResourceCPU]; !ok {
				return true
			}
			if _, ok := containers[i].Resources.Requests[v1.ResourceMemory]; !ok {
				return true
			}
		}
		return false
	}
	return misses(pod.Spec.Containers) || misses(pod.Spec.InitContainers)
}

func usesHostPorts(pod *v1.Pod) bool {
	for _, containers := range [][]v1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			for j := range containers[i].Ports {
				if containers[i].Ports[j].HostPort > 0 {
					return true
				}
			}
		}
	}
	return false
}

// HostPorts calls visit for each host port the pod holds while it runs: those of its containers and sidecars.
func HostPorts(pod *v1.Pod, visit func(*v1.ContainerPort)) {
	each := func(container *v1.Container) {
		for i := range container.Ports {
			if container.Ports[i].HostPort > 0 {
				visit(&container.Ports[i])
			}
		}
	}
	for i := range pod.Spec.Containers {
		each(&pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		if container.RestartPolicy != nil && *container.RestartPolicy == v1.ContainerRestartPolicyAlways {
			each(container)
		}
	}
}
