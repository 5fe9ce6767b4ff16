package resourceclaim

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/resource/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/resource/devices"
)

// Validate checks a new claim.
func Validate(obj *v1.ResourceClaim) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, ValidateSpec(&obj.Spec, nil, field.NewPath("spec"))...)
}

// ValidateUpdate checks a change: what a claim asks for never changes.
func ValidateUpdate(obj, old *v1.ResourceClaim) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec, old.Spec, field.NewPath("spec"))...)
}

// names are those of requests, of both levels: "request" and "request/subrequest".
type names struct {
	requests, full sets.Set[string]
}

// ValidateSpec checks what is asked for. old is the spec before, whose expressions are compiled as stored ones.
func ValidateSpec(spec, old *v1.ResourceClaimSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	stored := sets.New[string]()
	if old != nil {
		collectExpressions(old, stored)
	}
	at := path.Child("devices")
	known := namesOf(spec.Devices.Requests)
	errs = append(errs, validateRequests(spec.Devices.Requests, stored, at.Child("requests"))...)
	constraints := at.Child("constraints")
	if long := devices.AtMost(len(spec.Devices.Constraints), v1.DeviceConstraintsMaxSize, constraints); long != nil {
		errs = append(errs, long...)
	} else {
		for i := range spec.Devices.Constraints {
			errs = append(errs, validateConstraint(&spec.Devices.Constraints[i], known, constraints.Index(i))...)
		}
	}
	config := at.Child("config")
	if long := devices.AtMost(len(spec.Devices.Config), v1.DeviceConfigMaxSize, config); long != nil {
		return append(errs, long...)
	}
	for i := range spec.Devices.Config {
		c := &spec.Devices.Config[i]
		errs = append(errs, validateNames(c.Requests, known, config.Index(i).Child("requests"))...)
		errs = append(errs, devices.Configuration(&c.DeviceConfiguration, old != nil, config.Index(i))...)
	}
	return errs
}

func namesOf(requests []v1.DeviceRequest) names {
	known := names{sets.New[string](), sets.New[string]()}
	for _, r := range requests {
		known.requests.Insert(r.Name)
		for _, s := range r.FirstAvailable {
			known.full.Insert(r.Name + "/" + s.Name)
		}
	}
	return known
}

func validateRequests(list []v1.DeviceRequest, stored sets.Set[string], path *field.Path) field.ErrorList {
	if errs := devices.AtMost(len(list), v1.DeviceRequestsMaxSize, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	seen := sets.New[string]()
	for i := range list {
		if seen.Has(list[i].Name) {
			errs = append(errs, field.Duplicate(path.Index(i), list[i].Name))
		}
		seen.Insert(list[i].Name)
		errs = append(errs, validateRequest(&list[i], stored, path.Index(i))...)
	}
	return errs
}

func collectExpressions(spec *v1.ResourceClaimSpec, into sets.Set[string]) {
	add := func(list []v1.DeviceSelector) {
		for _, s := range list {
			if s.CEL != nil {
				into.Insert(s.CEL.Expression)
			}
		}
	}
	for _, r := range spec.Devices.Requests {
		if r.Exactly != nil {
			add(r.Exactly.Selectors)
		}
		for _, s := range r.FirstAvailable {
			add(s.Selectors)
		}
	}
}

func validateRequest(r *v1.DeviceRequest, stored sets.Set[string], path *field.Path) field.ErrorList {
	errs := validateRequestName(r.Name, path.Child("name"))
	switch {
	case r.Exactly == nil && len(r.FirstAvailable) == 0:
		errs = append(errs, field.Required(path, "exactly one of `exactly` or `firstAvailable` is required"))
	case r.Exactly != nil && len(r.FirstAvailable) > 0:
		errs = append(errs, field.Invalid(path, nil, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"))
	case r.Exactly != nil:
		e, at := r.Exactly, path.Child("exactly")
		errs = append(errs, validateAsked(asked{e.DeviceClassName, e.Selectors, e.AllocationMode, e.Count, e.Tolerations}, stored, at)...)
	default:
		at := path.Child("firstAvailable")
		if long := devices.AtMost(len(r.FirstAvailable), v1.FirstAvailableDeviceRequestMaxSize, at); long != nil {
			return append(errs, long...)
		}
		seen := sets.New[string]()
		for i, s := range r.FirstAvailable {
			one := at.Index(i)
			if seen.Has(s.Name) {
				errs = append(errs, field.Duplicate(one, s.Name))
			}
			seen.Insert(s.Name)
			errs = append(errs, validateRequestName(s.Name, one.Child("name"))...)
			errs = append(errs, validateAsked(asked{s.DeviceClassName, s.Selectors, s.AllocationMode, s.Count, s.Tolerations}, stored, one)...)
		}
	}
	return errs
}

func validateRequestName(name string, path *field.Path) field.ErrorList {
	return check.DNSLabel(path, name)
}

// asked is what a request and each of its alternatives say.
type asked struct {
	class       string
	selectors   []v1.DeviceSelector
	mode        v1.DeviceAllocationMode
	count       int64
	tolerations []v1.DeviceToleration
}

func validateAsked(a asked, stored sets.Set[string], path *field.Path) field.ErrorList {
	errs := devices.ObjectName(a.class, path.Child("deviceClassName"))
	errs = append(errs, devices.Selectors(a.selectors, stored, path.Child("selectors"))...)
	switch a.mode {
	case v1.DeviceAllocationModeAll:
		if a.count != 0 {
			errs = append(errs, field.Invalid(path.Child("count"), a.count, fmt.Sprintf("must not be specified when allocationMode is '%s'", a.mode)))
		}
	case v1.DeviceAllocationModeExactCount:
		if a.count <= 0 {
			errs = append(errs, field.Invalid(path.Child("count"), a.count, "must be greater than zero"))
		}
	default:
		errs = append(errs, field.NotSupported(path.Child("allocationMode"), a.mode, []v1.DeviceAllocationMode{v1.DeviceAllocationModeAll, v1.DeviceAllocationModeExactCount}))
	}
	tolerations := path.Child("tolerations")
	for i, t := range a.tolerations {
		errs = append(errs, devices.Toleration(t, tolerations.Index(i))...)
	}
	return errs
}

func validateNames(list []string, known names, path *field.Path) field.ErrorList {
	if errs := devices.AtMost(len(list), v1.DeviceRequestsMaxSize, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, name := range list {
		at := path.Index(i)
		if seen.Has(name) {
			errs = append(errs, field.Duplicate(at, name))
		}
		seen.Insert(name)
		request, sub, has := strings.Cut(name, "/")
		errs = append(errs, validateRequestName(request, at)...)
		if has {
			errs = append(errs, validateRequestName(sub, at)...)
		}
		if !known.requests.Has(name) && !known.full.Has(name) {
			errs = append(errs, field.Invalid(at, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"))
		}
	}
	return errs
}

func validateConstraint(c *v1.DeviceConstraint, known names, path *field.Path) field.ErrorList {
	errs := validateNames(c.Requests, known, path.Child("requests"))
	switch {
	case c.MatchAttribute != nil: // with both set, the server lets both pass and looks at this one
		errs = append(errs, devices.FullyQualifiedName(*c.MatchAttribute, path.Child("matchAttribute"))...)
	case c.DistinctAttribute != nil:
		errs = append(errs, devices.FullyQualifiedName(*c.DistinctAttribute, path.Child("distinctAttribute"))...)
	default:
		errs = append(errs, field.Required(path, `exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set`))
	}
	return errs
}
