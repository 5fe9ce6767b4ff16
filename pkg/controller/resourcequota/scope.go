package resourcequota

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// requirements joins the two ways in which a quota names scopes.
func requirements(spec *v1.ResourceQuotaSpec) []v1.ScopedResourceSelectorRequirement {
	var out []v1.ScopedResourceSelectorRequirement
	for _, s := range spec.Scopes {
		out = append(out, v1.ScopedResourceSelectorRequirement{ScopeName: s, Operator: v1.ScopeSelectorOpExists})
	}
	if spec.ScopeSelector != nil {
		out = append(out, spec.ScopeSelector.MatchExpressions...)
	}
	return out
}

// covers tells whether the pod is in every scope.
func covers(scopes []v1.ScopedResourceSelectorRequirement, p *v1.Pod) bool {
	return !slices.ContainsFunc(scopes, func(r v1.ScopedResourceSelectorRequirement) bool { return !inScope(r, p) })
}

func inScope(r v1.ScopedResourceSelectorRequirement, p *v1.Pod) bool {
	terminating := p.Spec.ActiveDeadlineSeconds != nil
	switch r.ScopeName {
	case v1.ResourceQuotaScopeTerminating:
		return terminating
	case v1.ResourceQuotaScopeNotTerminating:
		return !terminating
	case v1.ResourceQuotaScopeBestEffort:
		return podstate.QOSClass(p) == v1.PodQOSBestEffort
	case v1.ResourceQuotaScopeNotBestEffort:
		return podstate.QOSClass(p) != v1.PodQOSBestEffort
	case v1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return crossesNamespaces(p)
	case v1.ResourceQuotaScopePriorityClass:
		switch name := p.Spec.PriorityClassName; r.Operator {
		case v1.ScopeSelectorOpIn:
			return slices.Contains(r.Values, name)
		case v1.ScopeSelectorOpNotIn:
			return !slices.Contains(r.Values, name)
		case v1.ScopeSelectorOpDoesNotExist:
			return name == ""
		default:
			return name != ""
		}
	}
	return false
}

// coversClaim is covers for claims, which know only the volume attributes class.
func coversClaim(scopes []v1.ScopedResourceSelectorRequirement, c *v1.PersistentVolumeClaim) bool {
	name := ""
	if c.Spec.VolumeAttributesClassName != nil {
		name = *c.Spec.VolumeAttributesClassName
	}
	for _, r := range scopes {
		ok := false
		if r.ScopeName == v1.ResourceQuotaScopeVolumeAttributesClass {
			switch r.Operator {
			case v1.ScopeSelectorOpIn:
				ok = slices.Contains(r.Values, name)
			case v1.ScopeSelectorOpNotIn:
				ok = !slices.Contains(r.Values, name)
			case v1.ScopeSelectorOpDoesNotExist:
				ok = name == ""
			default:
				ok = name != ""
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func crossesNamespaces(p *v1.Pod) bool {
	if p.Spec.Affinity == nil {
		return false
	}
	crosses := func(t v1.PodAffinityTerm) bool { return len(t.Namespaces) > 0 || t.NamespaceSelector != nil }
	weighted := func(t v1.WeightedPodAffinityTerm) bool { return crosses(t.PodAffinityTerm) }
	if a := p.Spec.Affinity.PodAffinity; a != nil && (slices.ContainsFunc(a.RequiredDuringSchedulingIgnoredDuringExecution, crosses) ||
		slices.ContainsFunc(a.PreferredDuringSchedulingIgnoredDuringExecution, weighted)) {
		return true
	}
	a := p.Spec.Affinity.PodAntiAffinity
	return a != nil && (slices.ContainsFunc(a.RequiredDuringSchedulingIgnoredDuringExecution, crosses) ||
		slices.ContainsFunc(a.PreferredDuringSchedulingIgnoredDuringExecution, weighted))
}
