package podspec

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Options is the context of a check. The zero value is for a new template.
type Options struct {
	// IsPod says that the spec is of a pod, not of a template.
	IsPod bool
	// AllowInvalidLabelValues, in selectors of affinity terms.
	AllowInvalidLabelValues bool
	// AllowInvalidSpreadSelector, in topology spread constraints.
	AllowInvalidSpreadSelector bool
	// AllowInvalidNodeSelectorValues, in preferred node affinity.
	AllowInvalidNodeSelectorValues bool
	// AllowHostNamespaceSysctls accepts namespaced sysctls in pods that use the host's namespaces.
	AllowHostNamespaceSysctls bool
	// AllowNonLocalTokenPath accepts service account token paths that step out of the volume.
	AllowNonLocalTokenPath bool
	// KnownIPs are addresses that were accepted before.
	KnownIPs []string
	// OldResources accepts what was there: names of container resources that would be refused today.
	AllowIndivisibleHugePages bool
	// AllowUnknownMountNames is for static pods' mirror, whose volumes the kubelet knows.
	AllowEnvFileKeys bool
}

// ForUpdate derives the options for an update from the old spec: what was wrong already may stay.
func ForUpdate(old *v1.PodSpec, isPod bool) Options {
	opts := Options{IsPod: isPod}
	if old == nil {
		return opts
	}
	if a := old.Affinity; a != nil {
		opts.AllowInvalidLabelValues = affinityHasInvalidSelector(a)
		opts.AllowInvalidNodeSelectorValues = nodeAffinityHasInvalidValue(a.NodeAffinity)
	}
	for _, c := range old.TopologySpreadConstraints {
		if c.LabelSelector == nil {
			continue
		}
		if metavalidation.LabelSelectorHasInvalidLabelValue(c.LabelSelector) {
			opts.AllowInvalidLabelValues = true
		}
		if _, err := metav1.LabelSelectorAsSelector(c.LabelSelector); err != nil {
			opts.AllowInvalidSpreadSelector = true
		}
	}
	if old.SecurityContext != nil && (old.HostNetwork || old.HostIPC) {
		opts.AllowHostNamespaceSysctls = len(old.SecurityContext.Sysctls) > 0
	}
	for _, alias := range old.HostAliases {
		opts.KnownIPs = append(opts.KnownIPs, alias.IP)
	}
	if old.DNSConfig != nil {
		opts.KnownIPs = append(opts.KnownIPs, old.DNSConfig.Nameservers...)
	}
	for _, c := range allContainers(old) {
		if hugePagesIndivisible(c.Resources.Requests) || hugePagesIndivisible(c.Resources.Limits) {
			opts.AllowIndivisibleHugePages = true
		}
	}
	opts.AllowNonLocalTokenPath = hasNonLocalTokenPath(old.Volumes)
	return opts
}

// allContainers lists containers of every sort.
func allContainers(spec *v1.PodSpec) []*v1.Container {
	all := make([]*v1.Container, 0, len(spec.Containers)+len(spec.InitContainers)+len(spec.EphemeralContainers))
	for i := range spec.InitContainers {
		all = append(all, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		all = append(all, &spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		all = append(all, (*v1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return all
}

func affinityHasInvalidSelector(a *v1.Affinity) bool {
	bad := func(s *metav1.LabelSelector) bool {
		return s != nil && metavalidation.LabelSelectorHasInvalidLabelValue(s)
	}
	badTerm := func(t v1.PodAffinityTerm) bool { return bad(t.LabelSelector) || bad(t.NamespaceSelector) }
	var required []v1.PodAffinityTerm
	var preferred []v1.WeightedPodAffinityTerm
	if p := a.PodAffinity; p != nil {
		required = append(required, p.RequiredDuringSchedulingIgnoredDuringExecution...)
		preferred = append(preferred, p.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	if p := a.PodAntiAffinity; p != nil {
		required = append(required, p.RequiredDuringSchedulingIgnoredDuringExecution...)
		preferred = append(preferred, p.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	for _, t := range required {
		if badTerm(t) {
			return true
		}
	}
	for _, t := range preferred {
		if badTerm(t.PodAffinityTerm) {
			return true
		}
	}
	return false
}

func nodeAffinityHasInvalidValue(a *v1.NodeAffinity) bool {
	if a == nil {
		return false
	}
	for _, t := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		for _, r := range t.Preference.MatchExpressions {
			for _, v := range r.Values {
				if len(validation.IsValidLabelValue(v)) > 0 {
					return true
				}
			}
		}
	}
	return false
}
