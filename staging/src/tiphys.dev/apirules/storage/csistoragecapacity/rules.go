package csistoragecapacity

import (
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks how much room a class has somewhere.
func Validate(obj *v1.CSIStorageCapacity) field.ErrorList {
	return validate(obj, metavalidation.LabelSelectorValidationOptions{})
}

func validate(obj *v1.CSIStorageCapacity, selectors metavalidation.LabelSelectorValidationOptions) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, metavalidation.ValidateLabelSelector(obj.NodeTopology, selectors, field.NewPath("nodeTopology"))...)
	errs = append(errs, check.Messages(field.NewPath("storageClassName"), obj.StorageClassName, apivalidation.NameIsDNSSubdomain(obj.StorageClassName, false))...)
	if obj.Capacity != nil {
		errs = append(errs, check.NonNegativeQuantity(field.NewPath("capacity"), *obj.Capacity)...)
	}
	return errs
}

// ValidateUpdate checks a change: of what and where the room is stays.
func ValidateUpdate(obj, old *v1.CSIStorageCapacity) field.ErrorList {
	errs := validate(obj, metavalidation.LabelSelectorValidationOptions{
		AllowInvalidLabelValueInSelector: old.NodeTopology != nil && metavalidation.LabelSelectorHasInvalidLabelValue(old.NodeTopology)})
	errs = append(errs, apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
	errs = append(errs, check.Immutable(field.NewPath("nodeTopology"), obj.NodeTopology, old.NodeTopology)...)
	return append(errs, check.Immutable(field.NewPath("storageClassName"), obj.StorageClassName, old.StorageClassName)...)
}
