package subjectaccessreview

import (
	v1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/authorization/attributes"
	"tiphys.dev/apirules/check"
)

// Validate checks a question about what somebody may do. A review is asked, not stored: it has no metadata.
func Validate(obj *v1.SubjectAccessReview) field.ErrorList {
	path := field.NewPath("spec")
	errs := attributes.Validate(obj.Spec.ResourceAttributes, obj.Spec.NonResourceAttributes, path)
	errs = append(errs, attributes.ValidateUser(obj.Spec.User, obj.Spec.Groups, path)...)
	meta := obj.ObjectMeta
	meta.ManagedFields = nil
	if !check.Same(metav1.ObjectMeta{}, meta) {
		errs = append(errs, field.Invalid(field.NewPath("metadata"), obj.ObjectMeta, "must be empty"))
	}
	return errs
}
