package pod

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Validate checks a new pod.
func Validate(obj *v1.Pod) field.ErrorList {
	errs := validateSingle(obj, podspec.Options{IsPod: true})
	errs = append(errs, validateTokens(&obj.Spec)...)
	if len(obj.Spec.EphemeralContainers) > 0 {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "ephemeralContainers"), "cannot be set on create"))
	}
	// A pod that waits at a gate is not yet to be scheduled.
	if obj.Spec.NodeName != "" && len(obj.Spec.SchedulingGates) > 0 {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "nodeName"), "cannot be set until all schedulingGates have been cleared"))
	}
	return errs
}

// validateTokens: a pod that runs as nobody can have no token of its account.
func validateTokens(spec *v1.PodSpec) field.ErrorList {
	var errs field.ErrorList
	for i, v := range spec.Volumes {
		if v.Projected == nil || spec.ServiceAccountName != "" {
			continue
		}
		for j, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil {
				errs = append(errs, field.Forbidden(field.NewPath("spec", "volumes").Index(i).Child("projected", "sources").Index(j).Child("serviceAccountToken"),
					"must not be specified when serviceAccountName is not set"))
			}
		}
	}
	return errs
}

// ValidateStatic checks a pod that a kubelet reads from a file: as a pod of the API, but it may not refer to API objects.
func ValidateStatic(obj *v1.Pod) field.ErrorList {
	return validateSingle(obj, podspec.Options{IsPod: true})
}

// validateSingle checks a pod by itself, whether new or changed.
func validateSingle(obj *v1.Pod, opts podspec.Options) field.ErrorList {
	meta := field.NewPath("metadata")
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, meta)
	errs = append(errs, podspec.ValidateAnnotations(obj.Annotations, &obj.Spec, meta.Child("annotations"))...)
	errs = append(errs, podspec.Validate(&obj.Spec, &obj.ObjectMeta, field.NewPath("spec"), opts)...)
	return append(errs, validateProfilesAgree(obj, field.NewPath("spec"))...)
}

// validateProfilesAgree wants fields and older annotations of seccomp to say the same.
func validateProfilesAgree(obj *v1.Pod, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	compare := func(p *v1.SeccompProfile, key string, at *field.Path) {
		text, given := obj.Annotations[key]
		if p == nil || !given || text == "" {
			return
		}
		if want := seccompText(p); want != text && !(p.Type == v1.SeccompProfileTypeRuntimeDefault && text == v1.DeprecatedSeccompProfileDockerDefault) {
			errs = append(errs, field.Forbidden(at.Child("type"), "seccomp type in annotation and field must match"))
		}
	}
	if s := obj.Spec.SecurityContext; s != nil {
		compare(s.SeccompProfile, v1.SeccompPodAnnotationKey, path.Child("securityContext", "seccompProfile"))
	}
	for _, list := range []struct {
		child      string
		containers []v1.Container
	}{{"initContainers", obj.Spec.InitContainers}, {"containers", obj.Spec.Containers}} {
		for i, c := range list.containers {
			if c.SecurityContext != nil {
				compare(c.SecurityContext.SeccompProfile, v1.SeccompContainerAnnotationKeyPrefix+c.Name,
					path.Child(list.child).Index(i).Child("securityContext", "seccompProfile"))
			}
		}
	}
	return errs
}

func seccompText(p *v1.SeccompProfile) string {
	switch p.Type {
	case v1.SeccompProfileTypeRuntimeDefault:
		return v1.SeccompProfileRuntimeDefault
	case v1.SeccompProfileTypeUnconfined:
		return v1.SeccompProfileNameUnconfined
	case v1.SeccompProfileTypeLocalhost:
		if p.LocalhostProfile != nil {
			return fmt.Sprintf("%s%s", v1.SeccompLocalhostProfileNamePrefix, *p.LocalhostProfile)
		}
	}
	return ""
}
