package resources

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// ValidateName wants a name that can be of a resource at all.
func ValidateName(name v1.ResourceName, path *field.Path) field.ErrorList {
	if errs := check.QualifiedName(path, string(name)); len(errs) > 0 {
		return errs
	}
	if !strings.Contains(string(name), "/") && !IsStandard(name) {
		return field.ErrorList{field.Invalid(path, name, "must be a standard resource type or fully qualified")}
	}
	return nil
}

// ValidateContainerName wants a name a container may request.
func ValidateContainerName(name v1.ResourceName, path *field.Path) field.ErrorList {
	errs := ValidateName(name, path)
	switch bare := !strings.Contains(string(name), "/"); {
	case len(errs) > 0 && !bare:
		return errs
	case bare && !IsStandardForContainers(name):
		// What is no resource at all is told so, too.
		errs = append(errs, field.Invalid(path, name, "must be a standard resource for containers"))
	case !bare && !IsNative(name) && !IsExtended(name):
		errs = append(errs, field.Invalid(path, name, "doesn't follow extended resource name standard"))
	}
	return errs
}

// ValidateQuotaName wants a name a quota may limit.
func ValidateQuotaName(name v1.ResourceName, path *field.Path) field.ErrorList {
	errs := ValidateName(name, path)
	if !strings.Contains(string(name), "/") && !IsStandardForQuota(name) {
		errs = append(errs, field.Invalid(path, name, "must be a standard resource for quota"))
	}
	return errs
}

// ValidateAmount wants an amount that is not negative, and whole where only whole ones make sense.
func ValidateAmount(name v1.ResourceName, amount resource.Quantity, path *field.Path) field.ErrorList {
	errs := check.NonNegativeQuantity(path, amount)
	if IsWhole(name) && amount.MilliValue()%1000 != 0 {
		errs = append(errs, field.Invalid(path, amount, check.NotInteger))
	}
	return errs
}

// ValidateExtendedOnly wants a valid label name; nodes may not offer kubernetes.io names of their own making.
func ValidateExtendedOnly(name v1.ResourceName, path *field.Path) field.ErrorList {
	return check.Messages(path, string(name), validation.IsQualifiedName(string(name)))
}
