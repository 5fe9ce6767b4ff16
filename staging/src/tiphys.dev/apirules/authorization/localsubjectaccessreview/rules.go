package localsubjectaccessreview

import (
	v1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/authorization/attributes"
	"tiphys.dev/apirules/check"
)

// Validate checks a question about one namespace: the resource asked about must be of it.
func Validate(obj *v1.LocalSubjectAccessReview) field.ErrorList {
	path := field.NewPath("spec")
	errs := attributes.Validate(obj.Spec.ResourceAttributes, obj.Spec.NonResourceAttributes, path)
	errs = append(errs, attributes.ValidateUser(obj.Spec.User, obj.Spec.Groups, path)...)
	meta := obj.ObjectMeta
	meta.Namespace, meta.ManagedFields = "", nil
	if !check.Same(metav1.ObjectMeta{}, meta) {
		errs = append(errs, field.Invalid(field.NewPath("metadata"), obj.ObjectMeta, "must be empty except for namespace"))
	}
	if r := obj.Spec.ResourceAttributes; r != nil && r.Namespace != obj.Namespace {
		errs = append(errs, field.Invalid(path.Child("resourceAttributes", "namespace"), r.Namespace, "must match metadata.namespace"))
	}
	if a := obj.Spec.NonResourceAttributes; a != nil {
		errs = append(errs, field.Invalid(path.Child("nonResourceAttributes"),
			// Printed as upstream's own type, which has no names for JSON.
			struct{ Path, Verb string }{a.Path, a.Verb}, "disallowed on this kind of request"))
	}
	return errs
}
