package role

import (
	rbacv1 "k8s.io/api/rbac/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/rbac/rules"
)

// Validate checks a new role.
func Validate(obj *rbacv1.Role) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, rules.NameRule, field.NewPath("metadata"))
	for i, rule := range obj.Rules {
		errs = append(errs, rules.ValidatePolicy(rule, true, field.NewPath("rules").Index(i))...)
	}
	return errs
}

// ValidateUpdate checks a change; any valid rules may take the place of others.
func ValidateUpdate(obj, old *rbacv1.Role) field.ErrorList {
	errs := Validate(obj)
	return append(errs, apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
}
