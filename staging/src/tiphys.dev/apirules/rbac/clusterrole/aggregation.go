package clusterrole

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateAggregation checks which other roles a role collects the rules of.
func validateAggregation(obj *rbacv1.ClusterRole) field.ErrorList {
	if obj.AggregationRule == nil {
		return nil
	}
	path := field.NewPath("aggregationRule", "clusterRoleSelectors")
	if len(obj.AggregationRule.ClusterRoleSelectors) == 0 {
		return field.ErrorList{field.Required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")}
	}
	var errs field.ErrorList
	for i := range obj.AggregationRule.ClusterRoleSelectors {
		s := &obj.AggregationRule.ClusterRoleSelectors[i]
		// The path of each is that of the list's index, without its name, as upstream reports it.
		errs = append(errs, metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, path.Index(i))...)
		if selector, err := metav1.LabelSelectorAsSelector(s); err != nil || selector == nil {
			errs = append(errs, field.Invalid(path.Index(i), nil, "invalid label selector."))
		}
	}
	return errs
}
