package pod

import (
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// validateNarrowing checks changes of where a gated pod may go: they may only leave fewer nodes. Allowed changes are
// undone in rest, so that the caller finds what else changed.
func validateNarrowing(rest, old *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !maps.Equal(rest.NodeSelector, old.NodeSelector) {
		errs = append(errs, validateSelectorAdditions(rest.NodeSelector, old.NodeSelector, path.Child("nodeSelector"))...)
		rest.NodeSelector = old.NodeSelector
	}
	var now, was *v1.NodeAffinity
	if rest.Affinity != nil {
		now = rest.Affinity.NodeAffinity
	}
	if old.Affinity != nil {
		was = old.Affinity.NodeAffinity
	}
	if check.Same(now, was) {
		return errs
	}
	errs = append(errs, validateNodeAffinityChange(now, was, path.Child("affinity", "nodeAffinity"))...)
	switch {
	case rest.Affinity == nil: // not a narrower selection: refused as any other change
	case old.Affinity == nil && rest.Affinity.PodAffinity == nil && rest.Affinity.PodAntiAffinity == nil:
		rest.Affinity = nil
	default:
		rest.Affinity.NodeAffinity = was
	}
	return errs
}

func validateSelectorAdditions(now, was map[string]string, path *field.Path) field.ErrorList {
	for key, value := range was {
		if v, ok := now[key]; !ok || v != value {
			return field.ErrorList{field.Invalid(path, now, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")}
		}
	}
	return nil
}

// validateNodeAffinityChange: each term that must match may get more requirements; preferences may change freely.
func validateNodeAffinityChange(now, was *v1.NodeAffinity, path *field.Path) field.ErrorList {
	if was == nil || was.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	at := path.Child("requiredDuringSchedulingIgnoredDuringExecution")
	if now == nil || now.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return field.ErrorList{field.Invalid(at.Child("nodeSelectorTerms"), nil, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")}
	}
	newTerms, oldTerms := now.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms, was.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	if len(newTerms) != len(oldTerms) {
		return field.ErrorList{field.Invalid(at.Child("nodeSelectorTerms"), newTerms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")}
	}
	var errs field.ErrorList
	for i := range oldTerms {
		if !extends(newTerms[i].MatchExpressions, oldTerms[i].MatchExpressions) || !extends(newTerms[i].MatchFields, oldTerms[i].MatchFields) ||
			len(oldTerms[i].MatchExpressions)+len(oldTerms[i].MatchFields) == 0 && !check.Same(newTerms[i], oldTerms[i]) {
			errs = append(errs, field.Invalid(at.Child("nodeSelectorTerms").Index(i), newTerms[i], "only additions are allowed (no mutations or deletions)"))
		}
	}
	return errs
}

// extends says whether the new list begins with the old one.
func extends(now, was []v1.NodeSelectorRequirement) bool {
	return len(now) >= len(was) && check.Same(now[:len(was)], was)
}
