package ipaddress

import (
	v1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// nameRule: the name is the address, in its one canonical form, so that no address is taken twice.
func nameRule(name string, _ bool) []string {
	var messages []string
	for _, e := range validation.IsValidIP(nil, name) {
		messages = append(messages, e.Detail)
	}
	return messages
}

// Validate checks a new address: it belongs to something.
func Validate(obj *v1.IPAddress) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, nameRule, field.NewPath("metadata"))
	return append(errs, validateParent(obj.Spec.ParentRef, field.NewPath("spec"))...)
}

func validateParent(ref *v1.ParentReference, spec *field.Path) field.ErrorList {
	at := spec.Child("parentRef")
	if ref == nil {
		return field.ErrorList{field.Required(at, "")}
	}
	var errs field.ErrorList
	if ref.Group != "" {
		errs = append(errs, check.Messages(at.Child("group"), ref.Group, validation.IsDNS1123Subdomain(ref.Group))...)
	}
	segment := func(child, value string, required bool) {
		if value == "" {
			if required {
				errs = append(errs, field.Required(at.Child(child), ""))
			}
			return
		}
		errs = append(errs, check.Messages(at.Child(child), value, path.IsValidPathSegmentName(value))...)
	}
	segment("resource", ref.Resource, true)
	segment("name", ref.Name, true)
	segment("namespace", ref.Namespace, false)
	return errs
}

// ValidateUpdate checks a change: an address does not pass from one owner to another.
func ValidateUpdate(obj, old *v1.IPAddress) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, Validate(obj)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.ParentRef, old.Spec.ParentRef, field.NewPath("spec").Child("parentRef"))...)
}
