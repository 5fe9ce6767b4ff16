package servicecidr

import (
	"net/netip"

	v1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate checks a new range of service addresses: one, or one of each family.
func Validate(obj *v1.ServiceCIDR) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateRanges(obj.Spec.CIDRs, field.NewPath("spec", "cidrs"))...)
}

func validateRanges(cidrs []string, path *field.Path) field.ErrorList {
	switch n := len(cidrs); {
	case n == 0:
		return field.ErrorList{field.Required(path, "at least one CIDR required")}
	case n > 2:
		return field.ErrorList{field.Invalid(path, cidrs, "may only hold up to 2 values")}
	}
	var errs field.ErrorList
	families := map[bool]int{}
	for i, c := range cidrs {
		errs = append(errs, validation.IsValidCIDR(path.Index(i), c)...)
		if p, err := netip.ParsePrefix(c); err == nil {
			families[p.Addr().Is4()]++
		}
	}
	if len(errs) == 0 && len(cidrs) == 2 && len(families) != 2 {
		errs = append(errs, field.Invalid(path, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"))
	}
	return errs
}

// ValidateUpdate checks a change: a single range may be joined by one of the other family, and that is all.
func ValidateUpdate(obj, old *v1.ServiceCIDR) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("spec", "cidrs")
	now, was := obj.Spec.CIDRs, old.Spec.CIDRs
	switch {
	case len(was) == len(now):
		for i := range now {
			if now[i] != was[i] {
				errs = append(errs, field.Invalid(path.Index(i), now[i], apivalidation.FieldImmutableErrorMsg))
			}
		}
	case len(was) == 1 && len(now) == 2:
		errs = append(errs, validateRanges(now, path)...)
		if now[0] != was[0] {
			errs = append(errs, field.Invalid(path.Index(0), now[0], apivalidation.FieldImmutableErrorMsg))
		}
	default:
		errs = append(errs, field.Invalid(path, now, apivalidation.FieldImmutableErrorMsg))
	}
	return errs
}

// ValidateStatusUpdate checks the conditions.
func ValidateStatusUpdate(obj, old *v1.ServiceCIDR) field.ErrorList {
	return apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
}
