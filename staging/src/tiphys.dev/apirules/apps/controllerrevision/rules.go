package controllerrevision

import (
	"bytes"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks a new revision: its data is a JSON object, kept as it is.
func Validate(obj *appsv1.ControllerRevision) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	data := field.NewPath("data")
	raw := bytes.TrimSpace(obj.Data.Raw)
	switch {
	case obj.Data.Object == nil && len(raw) == 0:
		errs = append(errs, field.Required(data, "data is mandatory"))
	case obj.Data.Object == nil:
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			errs = append(errs, field.Invalid(data, "<value omitted>", err.Error()))
		} else if v == nil {
			errs = append(errs, field.Required(data, "data must not be null"))
		} else if _, object := v.(map[string]any); !object {
			errs = append(errs, field.Invalid(data, "<value omitted>", "data must be a valid JSON object"))
		}
	}
	return append(errs, check.NonNegative(field.NewPath("revision"), obj.Revision)...)
}

// ValidateUpdate checks a change: history may be renumbered, not rewritten.
func ValidateUpdate(obj, old *appsv1.ControllerRevision) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, check.NonNegative(field.NewPath("revision"), obj.Revision)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Data, old.Data, field.NewPath("data"))...)
}
