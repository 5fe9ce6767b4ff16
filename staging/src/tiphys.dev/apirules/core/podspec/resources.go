package podspec

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	helper "k8s.io/component-helpers/resource"

	"strings"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
)

// ValidateRequirements checks limits and requests of one container: requests must fit the limits.
func ValidateRequirements(r *v1.ResourceRequirements, claims sets.Set[string], path *field.Path, opts Options) field.ErrorList {
	return validateRequirements(r, claims, path, opts, resources.ValidateContainerName)
}

type nameRule func(v1.ResourceName, *field.Path) field.ErrorList

func validateRequirements(r *v1.ResourceRequirements, claims sets.Set[string], path *field.Path, opts Options, nameOK nameRule) field.ErrorList {
	var errs field.ErrorList
	limits, requests := path.Child("limits"), path.Child("requests")
	var small, huge bool // cpu or memory; huge pages
	note := func(name v1.ResourceName) {
		small = small || name == v1.ResourceCPU || name == v1.ResourceMemory
		huge = huge || resources.IsHugePages(name)
	}
	for _, name := range sets.List(sets.KeySet(r.Limits)) {
		at := limits.Key(string(name))
		errs = append(errs, nameOK(name, at)...)
		errs = append(errs, resources.ValidateAmount(name, r.Limits[name], at)...)
		errs = append(errs, validateHugePages(name, r.Limits[name], at, opts)...)
		note(name)
	}
	for _, name := range sets.List(sets.KeySet(r.Requests)) {
		at, amount := requests.Key(string(name)), r.Requests[name]
		errs = append(errs, nameOK(name, at)...)
		errs = append(errs, resources.ValidateAmount(name, amount, at)...)
		note(name)
		limit, limited := r.Limits[name]
		switch {
		case limited && amount.Cmp(limit) != 0 && !resources.MayOvercommit(name):
			errs = append(errs, field.Invalid(requests, amount.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit.String())))
		case limited && amount.Cmp(limit) > 0:
			errs = append(errs, field.Invalid(requests, amount.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit.String())))
		case !limited && !resources.MayOvercommit(name):
			errs = append(errs, field.Required(limits, "Limit must be set for non overcommitable resources"))
		}
	}
	if huge && !small {
		errs = append(errs, field.Forbidden(path, "HugePages require cpu or memory"))
	}
	return append(errs, validateClaimUse(r.Claims, claims, path.Child("claims"))...)
}

func validateHugePages(name v1.ResourceName, amount resource.Quantity, path *field.Path, opts Options) field.ErrorList {
	if !resources.IsHugePages(name) || opts.AllowIndivisibleHugePages || !indivisible(name, amount) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, amount.String(), fmt.Sprintf("%s is not positive integer multiple of %s", amount.String(), name))}
}

// indivisible says whether the amount is no whole number of pages of the size in the name.
func indivisible(name v1.ResourceName, amount resource.Quantity) bool {
	page, err := resource.ParseQuantity(strings.TrimPrefix(string(name), v1.ResourceHugePagesPrefix))
	return err != nil || page.Sign() <= 0 || amount.Value()%page.Value() != 0
}

func hugePagesIndivisible(list v1.ResourceList) bool {
	for name, amount := range list {
		if resources.IsHugePages(name) && indivisible(name, amount) {
			return true
		}
	}
	return false
}

// validateClaimUse checks which of the pod's claims a container uses.
func validateClaimUse(used []v1.ResourceClaim, claims sets.Set[string], path *field.Path) field.ErrorList {
	var errs field.ErrorList
	type use struct{ name, request string }
	seen := sets.New[use]()
	for i, c := range used {
		at := path.Index(i)
		if c.Name == "" {
			errs = append(errs, field.Required(at, ""))
			continue
		}
		u := use{c.Name, c.Request}
		switch {
		case seen.Has(u) && c.Request == "":
			errs = append(errs, field.Duplicate(at, c.Name))
		case seen.Has(u):
			errs = append(errs, field.Duplicate(at, fmt.Sprintf("%s/%s", c.Name, c.Request)))
		case c.Request != "" && seen.Has(use{c.Name, ""}):
			errs = append(errs, field.Duplicate(at, c.Name))
		default:
			seen.Insert(u)
		}
		if c.Request != "" {
			errs = append(errs, check.DNSLabel(at.Child("request"), c.Request)...)
		}
		if !claims.Has(c.Name) {
			e := field.NotFound(at, c.Name)
			if len(claims) > 0 {
				e.Detail = "must be one of the names in pod.spec.resourceClaims: " + strings.Join(sets.List(claims), ",")
			} else {
				e.Detail = "must be one of the names in pod.spec.resourceClaims which is empty"
			}
			errs = append(errs, e)
		}
	}
	return errs
}

// validatePodResources checks resources of the pod as a whole, and that containers fit into them.
func validatePodResources(spec *v1.PodSpec, claims sets.Set[string], path *field.Path, opts Options) field.ErrorList {
	if spec.Resources == nil || spec.OS != nil && spec.OS.Name == v1.Windows {
		return nil // on Windows the field is refused as a whole
	}
	var errs field.ErrorList
	if spec.Resources.Claims != nil {
		errs = append(errs, field.Forbidden(path.Child("claims"), "claims may not be set for Resources at pod-level"))
	}
	r := spec.Resources
	errs = append(errs, validateRequirements(r, claims, path, opts, validatePodResourceName)...)
	errs = append(errs, validateContainersFit(spec, path)...)
	return errs
}

func validatePodResourceName(name v1.ResourceName, path *field.Path) field.ErrorList {
	if errs := resources.ValidateName(name, path); len(errs) > 0 {
		return errs
	}
	if !helper.IsSupportedPodLevelResource(name) {
		return field.ErrorList{field.NotSupported(path, name, sets.List(helper.SupportedPodLevelResources()))}
	}
	return nil
}

// validateContainersFit wants the sum of what containers request within what the pod requests, and no container's limit
// above the pod's.
func validateContainersFit(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	sums := helper.PodRequests(podMeta(spec), helper.PodResourcesOptions{SkipPodLevelResources: true, ExcludeOverhead: true})
	for _, name := range sets.List(sets.KeySet(sums)) {
		if !helper.IsSupportedPodLevelResource(name) {
			continue
		}
		own, given := spec.Resources.Requests[name]
		if sum := sums[name]; given && sum.Cmp(own) > 0 {
			errs = append(errs, field.Invalid(path.Child("requests").Key(string(name)), own.String(),
				fmt.Sprintf("must be greater than or equal to aggregate container requests of %s", sum.String())))
		}
	}
	for _, name := range sets.List(sets.KeySet(spec.Resources.Limits)) {
		own := spec.Resources.Limits[name]
		for i := range spec.Containers {
			if limit, ok := spec.Containers[i].Resources.Limits[name]; ok && limit.Cmp(own) > 0 {
				at := path.Child("containers").Index(i).Key(string(name)).Child("limits")
				errs = append(errs, field.Invalid(at, limit.String(), fmt.Sprintf("must be less than or equal to pod limits of %s", own.String())))
			}
		}
	}
	return errs
}
