package resourcepoolstatusrequest

import (
	"context"

	v1alpha3 "k8s.io/api/resource/v1alpha3"
	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/api/validate"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Limits of what a status tells.
const (
	mostPools      = 1000
	mostConditions = 10
	longestError   = 256
)

// The published checks want to know these, and do without.
var (
	ctx    = context.Background()
	create = operation.Operation{Type: operation.Create}
)

// SetDefaults asks for a hundred pools.
func SetDefaults(obj *v1alpha3.ResourcePoolStatusRequest) {
	if obj.Spec.Limit == nil {
		limit := v1alpha3.ResourcePoolStatusRequestLimitDefault
		obj.Spec.Limit = &limit
	}
}

// Validate checks a new question.
func Validate(obj *v1alpha3.ResourcePoolStatusRequest) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, driver(obj.Spec.Driver, path.Child("driver"))...)
	errs = append(errs, validate.ResourcePoolName(ctx, create, path.Child("poolName"), obj.Spec.PoolName, nil)...)
	errs = append(errs, atLeast(obj.Spec.Limit, 1, path.Child("limit"))...)
	return append(errs, validate.Maximum(ctx, create, path.Child("limit"), obj.Spec.Limit, nil, v1alpha3.ResourcePoolStatusRequestLimitMax)...)
}

// ValidateUpdate checks a change: the question stays what it is.
func ValidateUpdate(obj, old *v1alpha3.ResourcePoolStatusRequest) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if !check.Same(obj.Spec, old.Spec) {
		errs = append(errs, field.Invalid(field.NewPath("spec"), nil, "field is immutable"))
	}
	return errs
}

// ValidateStatusUpdate checks the answer, which is given once.
func ValidateStatusUpdate(obj, old *v1alpha3.ResourcePoolStatusRequest) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("status")
	if old.Status != nil {
		errs = append(errs, apivalidation.ValidateImmutableField(obj.Status, old.Status, path)...)
	}
	if obj.Status == nil || check.Same(obj.Status, old.Status) {
		return errs
	}
	if old.Status == nil {
		errs = append(errs, metav1validation.ValidateConditions(obj.Status.Conditions, path.Child("conditions"))...)
		old = &v1alpha3.ResourcePoolStatusRequest{Status: &v1alpha3.ResourcePoolStatusRequestStatus{}}
	}
	return append(errs, validateAnswer(obj.Status, old.Status, path)...)
}

// validateAnswer checks what is not as it was.
func validateAnswer(status, old *v1alpha3.ResourcePoolStatusRequestStatus, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if status.PoolCount == nil {
		errs = append(errs, field.Required(path.Child("poolCount"), ""))
	} else if !check.Same(status.PoolCount, old.PoolCount) {
		errs = append(errs, atLeast(status.PoolCount, 0, path.Child("poolCount"))...)
	}
	if !check.Same(status.Pools, old.Pools) {
		pools := path.Child("pools")
		if n := len(status.Pools); n > mostPools {
			errs = append(errs, field.TooMany(pools, n, mostPools))
		} else {
			for i := range status.Pools {
				errs = append(errs, validatePool(&status.Pools[i], pools.Index(i))...)
			}
		}
	}
	if check.Same(status.Conditions, old.Conditions) {
		return errs
	}
	conditions := path.Child("conditions")
	if n := len(status.Conditions); n > mostConditions {
		return append(errs, field.TooMany(conditions, n, mostConditions))
	}
	seen := map[string]bool{}
	for i, c := range status.Conditions {
		if seen[c.Type] {
			errs = append(errs, field.Duplicate(conditions.Index(i), c))
		}
		seen[c.Type] = true
	}
	return errs
}

func validatePool(p *v1alpha3.PoolStatus, path *field.Path) field.ErrorList {
	errs := driver(p.Driver, path.Child("driver"))
	if p.PoolName == "" {
		errs = append(errs, field.Required(path.Child("poolName"), ""))
	} else {
		errs = append(errs, validate.ResourcePoolName(ctx, create, path.Child("poolName"), &p.PoolName, nil)...)
	}
	if p.Generation == 0 {
		errs = append(errs, field.Required(path.Child("generation"), ""))
	}
	errs = append(errs, atLeast(&p.Generation, 0, path.Child("generation"))...)
	errs = append(errs, atLeast(p.ResourceSliceCount, 1, path.Child("resourceSliceCount"))...)
	errs = append(errs, atLeast(p.TotalDevices, 0, path.Child("totalDevices"))...)
	errs = append(errs, atLeast(p.AllocatedDevices, 0, path.Child("allocatedDevices"))...)
	errs = append(errs, atLeast(p.AvailableDevices, 0, path.Child("availableDevices"))...)
	errs = append(errs, atLeast(p.UnavailableDevices, 0, path.Child("unavailableDevices"))...)
	errs = append(errs, validate.LongName(ctx, create, path.Child("nodeName"), p.NodeName, nil)...)
	return append(errs, validate.MaxBytes(ctx, create, path.Child("validationError"), p.ValidationError, nil, longestError)...)
}

func driver(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return validate.LongNameCaseless(ctx, create, path, &name, nil)
}

func atLeast[N int32 | int64](n *N, least N, path *field.Path) field.ErrorList {
	return validate.Minimum(ctx, create, path, n, nil, least)
}
