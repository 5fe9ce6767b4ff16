package rolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/rbac/rules"
)

// SetDefaults fills in API groups of the role and of users and groups.
func SetDefaults(obj *rbacv1.RoleBinding) {
	rules.SetRefDefaults(&obj.RoleRef)
	rules.SetSubjectDefaults(obj.Subjects)
}

// Validate checks a new binding.
func Validate(obj *rbacv1.RoleBinding) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, rules.NameRule, field.NewPath("metadata"))
	errs = append(errs, rules.ValidateRef(obj.RoleRef, true)...)
	return append(errs, rules.ValidateSubjects(obj.Subjects, true)...)
}

// ValidateUpdate checks a change. Who has a role may change, which role a binding gives may not: whoever may edit the
// list of subjects need not be somebody who may hand out another role.
func ValidateUpdate(obj, old *rbacv1.RoleBinding) field.ErrorList {
	errs := Validate(obj)
	errs = append(errs, apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
	if obj.RoleRef != old.RoleRef {
		errs = append(errs, field.Invalid(field.NewPath("roleRef"), obj.RoleRef, "cannot change roleRef"))
	}
	return errs
}
