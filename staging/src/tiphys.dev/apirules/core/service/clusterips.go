package service

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

// ValidateClusterIPs checks cluster IPs, their families and the family policy together: they describe one thing, and any
// of them may be left open for the allocator to fill in.
func ValidateClusterIPs(obj, old *v1.Service) field.ErrorList {
	spec, path := &obj.Spec, field.NewPath("spec")
	if spec.Type == v1.ServiceTypeExternalName {
		return nil
	}
	var errs field.ErrorList
	ips, ipsPath := spec.ClusterIPs, path.Child("clusterIPs")
	if len(spec.ClusterIP) > 0 && len(ips) == 0 {
		errs = append(errs, field.Required(ipsPath, ""))
	}
	families := sets.New[v1.IPFamily]()
	for i, f := range spec.IPFamilies {
		at := path.Child("ipFamilies").Index(i)
		errs = append(errs, check.OneOf(at, f, v1.IPv4Protocol, v1.IPv6Protocol)...)
		if families.Has(f) {
			errs = append(errs, field.Duplicate(at, f))
		}
		families.Insert(f)
	}
	if spec.IPFamilyPolicy != nil {
		errs = append(errs, check.OneOf(path.Child("ipFamilyPolicy"), *spec.IPFamilyPolicy,
			v1.IPFamilyPolicyPreferDualStack, v1.IPFamilyPolicyRequireDualStack, v1.IPFamilyPolicySingleStack)...)
	}
	if len(spec.IPFamilies) > 2 {
		errs = append(errs, field.Invalid(path.Child("ipFamilies"), spec.IPFamilies, "may only hold up to 2 values"))
	}
	if len(ips) == 0 {
		return errs
	}
	if ips[0] != spec.ClusterIP {
		errs = append(errs, field.Invalid(ipsPath, ips, "first value must match `clusterIP`"))
	}
	if slices.Contains(ips, v1.ClusterIPNone) {
		if len(ips) > 1 {
			errs = append(errs, field.Invalid(ipsPath, ips, "'None' must be the first and only value"))
		}
		return errs
	}
	var known []string
	if old != nil {
		known = old.Spec.ClusterIPs
	}
	valid := true
	for i, ip := range ips {
		if ip == "" && spec.ClusterIP == "" {
			continue // to be chosen
		}
		if wrong := validation.IsValidIPForLegacyField(ipsPath.Index(i), ip, true, known); len(wrong) > 0 {
			errs = append(errs, wrong...)
			valid = false
		}
	}
	if len(ips) > 2 {
		return append(errs, field.Invalid(ipsPath, ips, "may only hold up to 2 values"))
	}
	if !valid {
		return errs
	}
	return append(errs, validateFamiliesMatch(spec, path)...)
}

func validateFamiliesMatch(spec *v1.ServiceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	ips := spec.ClusterIPs
	if len(ips) > 1 {
		if dual, err := netutils.IsDualStackIPStrings(ips); err != nil || !dual {
			errs = append(errs, field.Invalid(path.Child("clusterIPs"), ips, "may specify no more than one IP for each IP family"))
		}
	}
	for i, ip := range ips {
		if i >= len(spec.IPFamilies) || ip == "" {
			break
		}
		if want := spec.IPFamilies[i]; want != v1.IPv4Protocol && want != v1.IPv6Protocol {
			continue // said of the family
		}
		if family := familyOf(ip); family != spec.IPFamilies[i] {
			errs = append(errs, field.Invalid(path.Child("clusterIPs").Index(i), ip, fmt.Sprintf("expected an %v value as indicated by `ipFamilies[%v]`", spec.IPFamilies[i], i)))
		}
	}
	return errs
}

func familyOf(ip string) v1.IPFamily {
	if netutils.IsIPv6String(ip) {
		return v1.IPv6Protocol
	}
	return v1.IPv4Protocol
}
