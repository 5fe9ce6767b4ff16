package quota

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/admission"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
)

// evaluator is the part that the evaluators of all kinds have in common; a kind fills in what differs.
type evaluator struct {
	resource schema.GroupResource
	list     generic.ListFuncByNamespace
	// names are resources of quotas that the kind is charged to; further ones by other.
	names []corev1.ResourceName
	other func(corev1.ResourceName) bool
	// usage is what one object costs.
	usage generic.UsageFunc
	// scope tells whether an object is in a scope; nil when the kind has no scopes.
	scope generic.MatchesScopeFunc
	// handles tells which requests change the usage.
	handles func(admission.Attributes) bool
	// constraints refuses objects that do not say what a quota needs to know; nil when none is refused.
	constraints func([]corev1.ResourceName, runtime.Object) error
}

var _ apiquota.Evaluator = &evaluator{}

// Constraints implements apiquota.Evaluator.
func (e *evaluator) Constraints(required []corev1.ResourceName, item runtime.Object) error {
	if e.constraints == nil {
		return nil
	}
	return e.constraints(required, item)
}

// GroupResource implements apiquota.Evaluator.
func (e *evaluator) GroupResource() schema.GroupResource { return e.resource }

// Handles implements apiquota.Evaluator.
func (e *evaluator) Handles(a admission.Attributes) bool { return e.handles(a) }

// Matches implements apiquota.Evaluator.
func (e *evaluator) Matches(q *corev1.ResourceQuota, item runtime.Object) (bool, error) {
	return generic.Matches(q, item, e.MatchingResources, e.inScope)
}

func (e *evaluator) inScope(s corev1.ScopedResourceSelectorRequirement, item runtime.Object) (bool, error) {
	if e.scope == nil {
		return false, nil
	}
	return e.scope(s, item)
}

// MatchingScopes implements apiquota.Evaluator.
func (e *evaluator) MatchingScopes(item runtime.Object, scopes []corev1.ScopedResourceSelectorRequirement) ([]corev1.ScopedResourceSelectorRequirement, error) {
	matched := []corev1.ScopedResourceSelectorRequirement{}
	for _, s := range scopes {
		in, err := e.inScope(s, item)
		if err != nil {
			return nil, fmt.Errorf("error on matching scope %v: %w", s, err)
		}
		if in {
			matched = append(matched, s)
		}
	}
	return matched, nil
}

// UncoveredQuotaScopes implements apiquota.Evaluator.
func (e *evaluator) UncoveredQuotaScopes(limited, matched []corev1.ScopedResourceSelectorRequirement) ([]corev1.ScopedResourceSelectorRequirement, error) {
	uncovered := []corev1.ScopedResourceSelectorRequirement{}
	for _, l := range limited {
		if !slices.ContainsFunc(matched, func(m corev1.ScopedResourceSelectorRequirement) bool { return m.ScopeName == l.ScopeName }) {
			uncovered = append(uncovered, l)
		}
	}
	return uncovered, nil
}

// MatchingResources implements apiquota.Evaluator.
func (e *evaluator) MatchingResources(input []corev1.ResourceName) []corev1.ResourceName {
	var matching []corev1.ResourceName
	for _, name := range input {
		if slices.Contains(e.names, name) || e.other != nil && e.other(name) {
			matching = append(matching, name)
		}
	}
	return matching
}

// Usage implements apiquota.Evaluator.
func (e *evaluator) Usage(item runtime.Object) (corev1.ResourceList, error) { return e.usage(item) }

// UsageStats implements apiquota.Evaluator.
func (e *evaluator) UsageStats(o apiquota.UsageStatsOptions) (apiquota.UsageStats, error) {
	return generic.CalculateUsageStats(o, e.list, e.inScope, e.usage)
}

func unexpected(item runtime.Object, want string) error {
	return fmt.Errorf("expected %s but got %T", want, item)
}

// onWrite is for kinds whose usage an ordinary create or update may change.
func onWrite(a admission.Attributes) bool {
	return a.GetSubresource() == "" && (a.GetOperation() == admission.Create || a.GetOperation() == admission.Update)
}

// selects tells whether the selector of a scope holds for a value; an empty value counts as none.
func selects(s corev1.ScopedResourceSelectorRequirement, value string) (bool, error) {
	selector, err := selectorOf(s)
	if err != nil {
		return false, err
	}
	set := labels.Set{}
	if value != "" {
		set[string(s.ScopeName)] = value
	}
	return selector.Matches(set), nil
}

var operators = map[corev1.ScopeSelectorOperator]selection.Operator{
	corev1.ScopeSelectorOpIn:           selection.In,
	corev1.ScopeSelectorOpNotIn:        selection.NotIn,
	corev1.ScopeSelectorOpExists:       selection.Exists,
	corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
}

func selectorOf(s corev1.ScopedResourceSelectorRequirement) (labels.Selector, error) {
	op, ok := operators[s.Operator]
	if !ok {
		return nil, fmt.Errorf("%q is not a valid scope selector operator", s.Operator)
	}
	r, err := labels.NewRequirement(string(s.ScopeName), op, s.Values)
	if err != nil {
		return nil, fmt.Errorf("failed to parse scope selector: %w", err)
	}
	return labels.NewSelector().Add(*r), nil
}
