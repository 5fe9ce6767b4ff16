package limitrange

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
)

// Validate checks a limit range: minimum, default request, default and maximum of each resource must come in this order.
func Validate(obj *v1.LimitRange) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	seen := sets.New[v1.LimitType]()
	path := field.NewPath("spec", "limits")
	for i := range obj.Spec.Limits {
		item, at := &obj.Spec.Limits[i], path.Index(i)
		errs = append(errs, validateType(item.Type, at.Child("type"))...)
		if seen.Has(item.Type) {
			errs = append(errs, field.Duplicate(at.Child("type"), item.Type))
		}
		seen.Insert(item.Type)
		errs = append(errs, validateItem(item, at)...)
	}
	return errs
}

// ValidateUpdate checks a change; everything may change to anything valid.
func ValidateUpdate(obj, old *v1.LimitRange) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, Validate(obj)...)
}

func validateType(t v1.LimitType, path *field.Path) field.ErrorList {
	if errs := check.QualifiedName(path, string(t)); len(errs) > 0 {
		return errs
	}
	standard := []v1.LimitType{v1.LimitTypePod, v1.LimitTypeContainer, v1.LimitTypePersistentVolumeClaim}
	if !strings.Contains(string(t), "/") && !slices.Contains(standard, t) {
		return field.ErrorList{field.Invalid(path, t, "must be a standard limit type or fully qualified")}
	}
	return nil
}

func validateItem(item *v1.LimitRangeItem, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[v1.ResourceName]()
	collect := func(child string, list v1.ResourceList, name func(v1.ResourceName, *field.Path) field.ErrorList) {
		for _, key := range sortedNames(list) {
			names.Insert(key)
			errs = append(errs, name(key, path.Child(child).Key(string(key)))...)
		}
	}
	name := func(n v1.ResourceName, p *field.Path) field.ErrorList { return resources.ValidateName(n, p) }
	if item.Type == v1.LimitTypePod || item.Type == v1.LimitTypeContainer {
		name = resources.ValidateContainerName
	}
	collect("max", item.Max, name)
	collect("min", item.Min, name)
	if item.Type == v1.LimitTypePod {
		if len(item.Default) > 0 {
			errs = append(errs, field.Forbidden(path.Child("default"), "may not be specified when `type` is 'Pod'"))
		}
		if len(item.DefaultRequest) > 0 {
			errs = append(errs, field.Forbidden(path.Child("defaultRequest"), "may not be specified when `type` is 'Pod'"))
		}
	} else {
		collect("default", item.Default, name)
		collect("defaultRequest", item.DefaultRequest, name)
	}
	if item.Type == v1.LimitTypePersistentVolumeClaim {
		_, min := item.Min[v1.ResourceStorage]
		_, max := item.Max[v1.ResourceStorage]
		if !min && !max {
			errs = append(errs, field.Required(path.Child("limits"), "either minimum or maximum storage value is required, but neither was provided"))
		}
	}
	collect("maxLimitRequestRatio", item.MaxLimitRequestRatio, name)
	for _, key := range sets.List(names) {
		errs = append(errs, validateOrder(item, key, path)...)
	}
	return errs
}

func sortedNames(list v1.ResourceList) []v1.ResourceName { return sets.List(sets.KeySet(list)) }

// validateOrder compares the amounts given for one resource with each other.
func validateOrder(item *v1.LimitRangeItem, key v1.ResourceName, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	min, hasMin := item.Min[key]
	max, hasMax := item.Max[key]
	request, hasRequest := item.DefaultRequest[key]
	limit, hasLimit := item.Default[key]
	ratio, hasRatio := item.MaxLimitRequestRatio[key]
	wrong := func(child string, value resource.Quantity, format string, args ...any) {
		errs = append(errs, field.Invalid(path.Child(child).Key(string(key)), value, fmt.Sprintf(format, args...)))
	}
	if hasMin && hasMax && min.Cmp(max) > 0 {
		wrong("min", min, "min value %s is greater than max value %s", min.String(), max.String())
	}
	if hasRequest && hasMin && min.Cmp(request) > 0 {
		wrong("defaultRequest", request, "min value %s is greater than default request value %s", min.String(), request.String())
	}
	if hasRequest && hasMax && request.Cmp(max) > 0 {
		wrong("defaultRequest", request, "default request value %s is greater than max value %s", request.String(), max.String())
	}
	if hasRequest && hasLimit && request.Cmp(limit) > 0 {
		wrong("defaultRequest", request, "default request value %s is greater than default limit value %s", request.String(), limit.String())
	}
	if hasLimit && hasMin && min.Cmp(limit) > 0 {
		wrong("default", min, "min value %s is greater than default value %s", min.String(), limit.String())
	}
	if hasLimit && hasMax && limit.Cmp(max) > 0 {
		wrong("default", max, "default value %s is greater than max value %s", limit.String(), max.String())
	}
	if hasRatio && ratio.Cmp(*resource.NewQuantity(1, resource.DecimalSI)) < 0 {
		wrong("maxLimitRequestRatio", ratio, "ratio %s is less than 1", ratio.String())
	}
	if hasRatio && hasMin && hasMax {
		if widest := float64(max.MilliValue()) / float64(min.MilliValue()); float64(ratio.MilliValue())/1000 > widest {
			wrong("maxLimitRequestRatio", ratio, "ratio %s is greater than max/min = %f", ratio.String(), widest)
		}
	}
	if !resources.MayOvercommit(key) && hasRequest && hasLimit && request.Cmp(limit) != 0 {
		wrong("defaultRequest", request, "default value %s must equal to defaultRequest value %s in %s", limit.String(), request.String(), key)
	}
	return errs
}
