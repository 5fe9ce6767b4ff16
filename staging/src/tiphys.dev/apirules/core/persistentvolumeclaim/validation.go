package persistentvolumeclaim

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Options say where a claim that exists already may keep what a new one may not have.
type Options struct {
	AllowInvalidLabelValueInSelector bool
	// AllowInvalidResourceNames accepts requests of other things than storage sizes.
	AllowInvalidDataSourceGroup bool
}

var modes = []v1.PersistentVolumeAccessMode{v1.ReadOnlyMany, v1.ReadWriteMany, v1.ReadWriteOnce, v1.ReadWriteOncePod}

// Validate checks a new claim.
func Validate(obj *v1.PersistentVolumeClaim) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, ValidateSpec(&obj.Spec, field.NewPath("spec"), Options{})...)
}

// ValidateTemplate checks a claim that is written inside a pod or a stateful set.
func ValidateTemplate(template *v1.PersistentVolumeClaimTemplate, path *field.Path, opts Options) field.ErrorList {
	errs := check.TemplateMeta(&template.ObjectMeta, path.Child("metadata"))
	return append(errs, ValidateSpec(&template.Spec, path.Child("spec"), opts)...)
}

// ValidateSpec checks what is asked for.
func ValidateSpec(spec *v1.PersistentVolumeClaimSpec, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	if len(spec.AccessModes) == 0 {
		errs = append(errs, field.Required(path.Child("accessModes"), "at least 1 access mode is required"))
	}
	if spec.Selector != nil {
		errs = append(errs, metavalidation.ValidateLabelSelector(spec.Selector,
			metavalidation.LabelSelectorValidationOptions{AllowInvalidLabelValueInSelector: opts.AllowInvalidLabelValueInSelector}, path.Child("selector"))...)
	}
	errs = append(errs, ValidateAccessModes(spec.AccessModes, path.Child("accessModes"))...)
	if storage, ok := spec.Resources.Requests[v1.ResourceStorage]; !ok {
		errs = append(errs, field.Required(path.Child("resources").Key(string(v1.ResourceStorage)), ""))
	} else {
		at := path.Child("resources").Key(string(v1.ResourceStorage))
		errs = append(errs, check.PositiveQuantity(at, storage)...)
	}
	if spec.StorageClassName != nil && *spec.StorageClassName != "" {
		errs = append(errs, check.Messages(path.Child("storageClassName"), *spec.StorageClassName, apivalidation.NameIsDNSSubdomain(*spec.StorageClassName, false))...)
	}
	if spec.VolumeMode != nil {
		errs = append(errs, check.OneOf(path.Child("volumeMode"), *spec.VolumeMode, v1.PersistentVolumeBlock, v1.PersistentVolumeFilesystem)...)
	}
	errs = append(errs, validateDataSources(spec, path, opts)...)
	if spec.VolumeAttributesClassName != nil && *spec.VolumeAttributesClassName != "" {
		errs = append(errs, check.Messages(path.Child("volumeAttributesClassName"), *spec.VolumeAttributesClassName,
			apivalidation.NameIsDNSSubdomain(*spec.VolumeAttributesClassName, false))...)
	}
	return errs
}

// ValidateAccessModes checks the words, and that the mode "one pod" stands alone.
func ValidateAccessModes(given []v1.PersistentVolumeAccessMode, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, mode := range given {
		errs = append(errs, check.OneOf(path, mode, modes...)...)
	}
	if slices.Contains(given, v1.ReadWriteOncePod) && sets.New(given...).Intersection(sets.New(modes...)).Len() > 1 {
		errs = append(errs, field.Forbidden(path, "may not use ReadWriteOncePod with other access modes"))
	}
	return errs
}

func validateDataSources(spec *v1.PersistentVolumeClaimSpec, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	if s := spec.DataSource; s != nil {
		errs = append(errs, validateReference(s.APIGroup, s.Kind, s.Name, path.Child("dataSource"), opts)...)
	}
	if r := spec.DataSourceRef; r != nil {
		at := path.Child("dataSourceRef")
		errs = append(errs, validateReference(r.APIGroup, r.Kind, r.Name, at, opts)...)
		if r.Namespace != nil && *r.Namespace != "" {
			errs = append(errs, check.Messages(at.Child("namespace"), *r.Namespace, apivalidation.ValidateNamespaceName(*r.Namespace, false))...)
		}
	}
	if spec.DataSourceRef != nil && spec.DataSourceRef.Namespace != nil && *spec.DataSourceRef.Namespace != "" {
		if spec.DataSource != nil {
			errs = append(errs, field.Invalid(path, path.Child("dataSource"), "may not be specified when dataSourceRef.namespace is specified"))
		}
		return errs
	}
	if spec.DataSource == nil || spec.DataSourceRef == nil {
		return errs
	}
	group := func(g *string) string {
		if g == nil {
			return ""
		}
		return *g
	}
	s, r := spec.DataSource, spec.DataSourceRef
	if group(s.APIGroup) != group(r.APIGroup) || s.Kind != r.Kind || s.Name != r.Name {
		errs = append(errs, field.Invalid(path, path.Child("dataSource"), "must match dataSourceRef"))
	}
	return errs
}

func validateReference(apiGroup *string, kind, name string, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	if name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	}
	if kind == "" {
		errs = append(errs, field.Required(path.Child("kind"), ""))
	}
	group := ""
	if apiGroup != nil {
		group = *apiGroup
	}
	if group == "" && kind != "PersistentVolumeClaim" {
		errs = append(errs, field.Invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
	}
	if group != "" && !opts.AllowInvalidDataSourceGroup {
		errs = append(errs, check.DNSSubdomain(path.Child("apiGroup"), group)...)
	}
	return errs
}
