package ingressclass

import (
	"fmt"

	v1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const longestController = 250

// SetDefaults says that parameters are of the whole cluster.
func SetDefaults(obj *v1.IngressClass) {
	if obj.Spec.Parameters != nil && obj.Spec.Parameters.Scope == nil {
		scope := v1.IngressClassParametersReferenceScopeCluster
		obj.Spec.Parameters.Scope = &scope
	}
}

// Validate checks a new class.
func Validate(obj *v1.IngressClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec)...)
}

// ValidateUpdate checks a change. Who serves the class never changes.
func ValidateUpdate(obj, old *v1.IngressClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, apivalidation.ValidateImmutableField(obj.Spec.Controller, old.Spec.Controller, field.NewPath("spec").Child("controller"))...)
	errs = append(errs, apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	return append(errs, validateSpec(&obj.Spec)...)
}

func validateSpec(spec *v1.IngressClassSpec) field.ErrorList {
	at := field.NewPath("spec")
	var errs field.ErrorList
	if len(spec.Controller) > longestController {
		errs = append(errs, field.TooLong(at.Child("controller"), spec.Controller, longestController))
	}
	errs = append(errs, validation.IsDomainPrefixedPath(at.Child("controller"), spec.Controller)...)
	return append(errs, validateParameters(spec.Parameters, at.Child("parameters"))...)
}

func validateParameters(p *v1.IngressClassParametersReference, at *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	if p.APIGroup != nil {
		errs = append(errs, check.DNSSubdomain(at.Child("apiGroup"), *p.APIGroup)...)
	}
	segment := func(child, value string) {
		if value == "" {
			errs = append(errs, field.Required(at.Child(child), fmt.Sprintf("%s is required", child)))
		} else {
			errs = append(errs, check.Messages(at.Child(child), value, path.IsValidPathSegmentName(value))...)
		}
	}
	segment("kind", p.Kind)
	segment("name", p.Name)
	if p.Scope == nil {
		return append(errs, field.Required(at.Child("scope"), ""))
	}
	namespace := at.Child("namespace")
	switch *p.Scope {
	case v1.IngressClassParametersReferenceScopeNamespace:
		if p.Namespace == nil {
			errs = append(errs, field.Required(namespace, "`parameters.scope` is set to 'Namespace'"))
		} else {
			errs = append(errs, check.Messages(namespace, *p.Namespace, apivalidation.ValidateNamespaceName(*p.Namespace, false))...)
		}
	case v1.IngressClassParametersReferenceScopeCluster:
		if p.Namespace != nil {
			errs = append(errs, field.Forbidden(namespace, "`parameters.scope` is set to 'Cluster'"))
		}
	default:
		errs = append(errs, check.OneOf(at.Child("scope"), *p.Scope, v1.IngressClassParametersReferenceScopeCluster, v1.IngressClassParametersReferenceScopeNamespace)...)
	}
	return errs
}
