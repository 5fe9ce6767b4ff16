package resourcequota

import (
	v1 "k8s.io/api/core/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/resources"
)

var (
	podScopes = sets.New(v1.ResourceQuotaScopeTerminating, v1.ResourceQuotaScopeNotTerminating, v1.ResourceQuotaScopeBestEffort,
		v1.ResourceQuotaScopeNotBestEffort, v1.ResourceQuotaScopePriorityClass, v1.ResourceQuotaScopeCrossNamespacePodAffinity)
	knownScopes = podScopes.Union(sets.New(v1.ResourceQuotaScopeVolumeAttributesClass))

	// bestEffortCounts is what can be counted of pods that ask for nothing; podCounts of other pods.
	bestEffortCounts = sets.New(v1.ResourcePods)
	podCounts        = sets.New(v1.ResourcePods, v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage,
		v1.ResourceRequestsCPU, v1.ResourceRequestsMemory, v1.ResourceRequestsEphemeralStorage,
		v1.ResourceLimitsCPU, v1.ResourceLimitsMemory, v1.ResourceLimitsEphemeralStorage)
	claimCounts = sets.New(v1.ResourcePersistentVolumeClaims, v1.ResourceRequestsStorage)
)

func countable(scope v1.ResourceQuotaScope, name v1.ResourceName) bool {
	if !resources.IsStandardForQuota(name) {
		return true // what others define is theirs to count
	}
	switch scope {
	case v1.ResourceQuotaScopeBestEffort:
		return bestEffortCounts.Has(name)
	case v1.ResourceQuotaScopeVolumeAttributesClass:
		return claimCounts.Has(name)
	case v1.ResourceQuotaScopeTerminating, v1.ResourceQuotaScopeNotTerminating, v1.ResourceQuotaScopeNotBestEffort,
		v1.ResourceQuotaScopePriorityClass, v1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return podCounts.Has(name)
	}
	return true
}

func conflicting(scopes sets.Set[v1.ResourceQuotaScope]) bool {
	return scopes.HasAll(v1.ResourceQuotaScopeBestEffort, v1.ResourceQuotaScopeNotBestEffort) ||
		scopes.HasAll(v1.ResourceQuotaScopeTerminating, v1.ResourceQuotaScopeNotTerminating)
}

func validateScopes(spec *v1.ResourceQuotaSpec, path *field.Path) field.ErrorList {
	if len(spec.Scopes) == 0 {
		return nil
	}
	var errs field.ErrorList
	at := path.Child("scopes")
	for _, scope := range spec.Scopes {
		if !knownScopes.Has(scope) {
			errs = append(errs, field.Invalid(at, spec.Scopes, "unsupported scope"))
		}
		for name := range spec.Hard {
			if !countable(scope, name) {
				errs = append(errs, field.Invalid(at, spec.Scopes, "unsupported scope applied to resource"))
			}
		}
	}
	if conflicting(sets.New(spec.Scopes...)) {
		errs = append(errs, field.Invalid(at, spec.Scopes, "conflicting scopes"))
	}
	return errs
}

func validateScopeSelector(spec *v1.ResourceQuotaSpec, path *field.Path) field.ErrorList {
	if spec.ScopeSelector == nil {
		return nil
	}
	var errs field.ErrorList
	at := path.Child("scopeSelector", "matchExpressions")
	scopes := sets.New[v1.ResourceQuotaScope]()
	for _, r := range spec.ScopeSelector.MatchExpressions {
		if !knownScopes.Has(r.ScopeName) {
			errs = append(errs, field.Invalid(at.Child("scopeName"), r.ScopeName, "unsupported scope"))
		}
		for name := range spec.Hard {
			if !countable(r.ScopeName, name) {
				errs = append(errs, field.Invalid(at, spec.ScopeSelector, "unsupported scope applied to resource"))
			}
		}
		errs = append(errs, validateRequirement(r, at)...)
		scopes.Insert(r.ScopeName)
	}
	if conflicting(scopes) {
		errs = append(errs, field.Invalid(at, spec.ScopeSelector.MatchExpressions, "conflicting scopes"))
	}
	return errs
}

func validateRequirement(r v1.ScopedResourceSelectorRequirement, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch r.ScopeName {
	case v1.ResourceQuotaScopeBestEffort, v1.ResourceQuotaScopeNotBestEffort, v1.ResourceQuotaScopeTerminating,
		v1.ResourceQuotaScopeNotTerminating, v1.ResourceQuotaScopeCrossNamespacePodAffinity:
		if r.Operator != v1.ScopeSelectorOpExists {
			errs = append(errs, field.Invalid(at.Child("operator"), r.Operator,
				"must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"))
		}
	}
	switch r.Operator {
	case v1.ScopeSelectorOpIn, v1.ScopeSelectorOpNotIn:
		if len(r.Values) == 0 {
			errs = append(errs, field.Required(at.Child("values"), "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
		}
	case v1.ScopeSelectorOpExists, v1.ScopeSelectorOpDoesNotExist:
		if len(r.Values) != 0 {
			errs = append(errs, field.Invalid(at.Child("values"), r.Values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
		}
	default:
		errs = append(errs, field.Invalid(at.Child("operator"), r.Operator, "not a valid selector operator"))
	}
	return append(errs, metavalidation.ValidateLabelName(string(r.ScopeName), at.Child("scopeName"))...)
}
