package namespace

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"strings"

	"tiphys.dev/apirules/check"
)

// SetDefaults labels the namespace with its own name, so that selectors can pick it, and starts it as active.
func SetDefaults(obj *v1.Namespace) {
	if obj.Name != "" {
		if obj.Labels == nil {
			obj.Labels = map[string]string{}
		}
		obj.Labels[v1.LabelMetadataName] = obj.Name
	}
	if obj.Status.Phase == "" {
		obj.Status.Phase = v1.NamespaceActive
	}
}

// Validate checks a new namespace. Its name is also a DNS label in service names.
func Validate(obj *v1.Namespace) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.ValidateNamespaceName, field.NewPath("metadata"))
	return append(errs, validateFinalizers(obj, false)...)
}

// ValidateUpdate checks a change of metadata; spec and status change by their own subresources.
func ValidateUpdate(obj, old *v1.Namespace) field.ErrorList {
	return apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
}

// ValidateStatusUpdate wants the phase to agree with whether the namespace is being deleted.
func ValidateStatusUpdate(obj, old *v1.Namespace) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	phase := field.NewPath("status", "Phase")
	if obj.DeletionTimestamp.IsZero() {
		if obj.Status.Phase != v1.NamespaceActive {
			errs = append(errs, field.Invalid(phase, obj.Status.Phase, "may only be 'Active' if `deletionTimestamp` is empty"))
		}
	} else if obj.Status.Phase != v1.NamespaceTerminating {
		errs = append(errs, field.Invalid(phase, obj.Status.Phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"))
	}
	return errs
}

// ValidateFinalizeUpdate checks what the finalize subresource may change: the finalizers of the spec.
func ValidateFinalizeUpdate(obj, old *v1.Namespace) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateFinalizers(obj, true)...)
}

var standardFinalizers = sets.New(string(v1.FinalizerKubernetes), metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents)

// validateFinalizers names the place in the list only where finalizers are taken out, as the server does.
func validateFinalizers(obj *v1.Namespace, placed bool) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "finalizers")
	for i, f := range obj.Spec.Finalizers {
		name, at := string(f), path
		if placed {
			at = path.Index(i)
		}
		errs = append(errs, check.QualifiedName(at, name)...)
		if !strings.Contains(name, "/") && !standardFinalizers.Has(name) {
			errs = append(errs, field.Invalid(at, name, "name is neither a standard finalizer name nor is it fully qualified"))
		}
	}
	return errs
}
