package persistentvolumeclaim

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
)

func optionsFor(old *v1.PersistentVolumeClaim) Options {
	opts := Options{AllowInvalidLabelValueInSelector: old.Spec.Selector != nil && metavalidation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)}
	for _, group := range groupsOf(&old.Spec) {
		// The server lets a claim change the group of its source only while that is well-formed; a change of it is refused
		// anyway, and then with one error instead of two.
		opts.AllowInvalidDataSourceGroup = opts.AllowInvalidDataSourceGroup || group != ""
	}
	return opts
}

func groupsOf(spec *v1.PersistentVolumeClaimSpec) []string {
	var groups []string
	if spec.DataSource != nil && spec.DataSource.APIGroup != nil && *spec.DataSource.APIGroup != "" {
		groups = append(groups, *spec.DataSource.APIGroup)
	}
	if spec.DataSourceRef != nil && spec.DataSourceRef.APIGroup != nil && *spec.DataSourceRef.APIGroup != "" {
		groups = append(groups, *spec.DataSourceRef.APIGroup)
	}
	return groups
}

// ValidateUpdate checks a change of the spec. It is frozen but for four things: the volume, which binding fills in once; the
// size, which may grow (and, while an expansion has not succeeded, shrink again to what there is); the attributes class;
// and a storage class filled in for a claim made before there was a default one.
func ValidateUpdate(obj, old *v1.PersistentVolumeClaim) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	errs = append(errs, ValidateSpec(&obj.Spec, path, optionsFor(old))...)

	now, was := obj.Spec.DeepCopy(), old.Spec.DeepCopy()
	if len(was.VolumeName) == 0 {
		was.VolumeName = now.VolumeName
	}
	if classFilledIn(obj, old) {
		was.StorageClassName = now.StorageClassName
	}
	before, after := old.Spec.Resources.Requests[v1.ResourceStorage], obj.Spec.Resources.Requests[v1.ResourceStorage]
	bound := old.Status.Phase == v1.ClaimBound
	if bound {
		// Only a claim with a volume can be resized, or get other attributes.
		was.VolumeAttributesClassName = now.VolumeAttributesClassName
		if was.Resources.Requests != nil && now.Resources.Requests != nil {
			now.Resources.Requests[v1.ResourceStorage] = before
		}
	}
	if !check.Same(now, was) {
		errs = append(errs, field.Forbidden(path, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"+diff.Diff(was, now)))
	}
	if after.Cmp(before) < 0 {
		capacity, allocated := old.Status.Capacity[v1.ResourceStorage], old.Status.AllocatedResources[v1.ResourceStorage]
		_, tried := old.Status.AllocatedResources[v1.ResourceStorage]
		switch {
		case !tried:
			// Without a recorded attempt there is nothing to take back.
			if after.Cmp(capacity) <= 0 {
				errs = append(errs, field.Forbidden(path.Child("resources", "requests", "storage"), "field can not be less than status.capacity"))
			}
		case after.Cmp(capacity) <= 0 && capacity.Cmp(allocated) <= 0:
			errs = append(errs, field.Forbidden(path.Child("resources", "requests", "storage"), "field can not be less than status.capacity"))
		}
	}
	errs = append(errs, check.Immutable(field.NewPath("volumeMode"), obj.Spec.VolumeMode, old.Spec.VolumeMode)...)
	return append(errs, validateAttributesClassChange(obj, old, path.Child("volumeAttributesClassName"))...)
}

const betaClass = v1.BetaStorageClassAnnotation

// classFilledIn says whether a claim without class gets one, by field or by the older annotation.
func classFilledIn(obj, old *v1.PersistentVolumeClaim) bool {
	if old.Spec.StorageClassName == nil && obj.Spec.StorageClassName != nil {
		annotation, had := old.Annotations[betaClass]
		return !had || annotation == *obj.Spec.StorageClassName
	}
	return false
}

// validateAttributesClassChange: a volume that has attributes of a class keeps some class; a claim for which no class was ever
// applied may take back its wish.
func validateAttributesClassChange(obj, old *v1.PersistentVolumeClaim, path *field.Path) field.ErrorList {
	if isSet(old.Spec.VolumeAttributesClassName) && !isSet(obj.Spec.VolumeAttributesClassName) && isSet(obj.Status.CurrentVolumeAttributesClassName) {
		return field.ErrorList{field.Forbidden(path, "update from non-nil value to nil is forbidden")}
	}
	return nil
}

func isSet(name *string) bool { return name != nil && *name != "" }

var resizeStatuses = sets.New(v1.PersistentVolumeClaimControllerResizeInProgress, v1.PersistentVolumeClaimControllerResizeInfeasible,
	v1.PersistentVolumeClaimNodeResizePending, v1.PersistentVolumeClaimNodeResizeInProgress, v1.PersistentVolumeClaimNodeResizeInfeasible)

// ValidateStatusUpdate checks what controllers report.
func ValidateStatusUpdate(obj, old *v1.PersistentVolumeClaim) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if len(obj.ResourceVersion) == 0 {
		errs = append(errs, field.Required(field.NewPath("resourceVersion"), ""))
	}
	if len(obj.Spec.AccessModes) == 0 {
		errs = append(errs, field.Required(field.NewPath("Spec", "accessModes"), ""))
	}
	status := field.NewPath("status")
	for _, name := range sets.List(sets.KeySet(obj.Status.Capacity)) {
		errs = append(errs, resources.ValidateAmount(name, obj.Status.Capacity[name], status.Child("capacity").Key(string(name)))...)
	}
	for _, name := range sets.List(sets.KeySet(obj.Status.AllocatedResourceStatuses)) {
		at := status.Child("allocatedResourceStatuses")
		errs = append(errs, validateKey(name, at)...)
		if s := obj.Status.AllocatedResourceStatuses[name]; !resizeStatuses.Has(s) {
			// Upstream names the key here, not the value.
			errs = append(errs, field.NotSupported(at, v1.ClaimResourceStatus(name), sets.List(resizeStatuses)))
		}
	}
	for _, name := range sets.List(sets.KeySet(obj.Status.AllocatedResources)) {
		at := status.Child("allocatedResources")
		if bad := validateKey(name, at); len(bad) > 0 {
			errs = append(errs, bad...)
			continue
		}
		at = at.Key(string(name))
		errs = append(errs, resources.ValidateAmount(name, obj.Status.AllocatedResources[name], at)...)
	}
	return errs
}

// Keys without prefix, or with kubernetes.io in it, are reserved, but for "storage".
func validateKey(name v1.ResourceName, path *field.Path) field.ErrorList {
	if errs := check.QualifiedName(path, string(name)); len(errs) > 0 {
		return errs
	}
	if name == v1.ResourceStorage {
		return nil
	}
	if !strings.Contains(string(name), "/") || resources.IsNative(name) {
		return field.ErrorList{field.NotSupported(path, string(name), []string{string(v1.ResourceStorage)})}
	}
	return nil
}
