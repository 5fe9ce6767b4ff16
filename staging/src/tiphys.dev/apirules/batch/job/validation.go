package job

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

const (
	mostIndexedParallelism     = 100_000
	mostPerIndexCompletions    = 100_000
	mostPerIndexParallelism    = 10_000
	mostFailedIndexes          = 100_000
	mostFailedIndexesWhenMany  = 10_000
	longestManager             = 63
	legacyUIDLabel, uidLabel   = "controller-uid", batchv1.ControllerUidLabel
	legacyNameLabel, nameLabel = "job-name", batchv1.JobNameLabel
)

// Validate checks a new job, after its selector has been generated (GenerateSelector).
func Validate(obj *batchv1.Job) field.ErrorList {
	return validate(obj, podspec.Options{}, metavalidation.LabelSelectorValidationOptions{})
}

func validate(obj *batchv1.Job, opts podspec.Options, selectors metavalidation.LabelSelectorValidationOptions) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateGeneratedSelector(obj)...)
	errs = append(errs, validateSpec(&obj.Spec, path, opts, selectors)...)
	return append(errs, validateIndexedName(obj, path)...)
}

// validateIndexedName: pods of an indexed job have their index at the end of their host names.
func validateIndexedName(obj *batchv1.Job, path *field.Path) field.ErrorList {
	spec := &obj.Spec
	if spec.CompletionMode == nil || *spec.CompletionMode != batchv1.IndexedCompletion || spec.Completions == nil || *spec.Completions <= 0 {
		return nil
	}
	host := fmt.Sprintf("%s-%d", obj.Name, *spec.Completions-1)
	var errs field.ErrorList
	if len(validation.IsDNS1123Label(host)) > 0 {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), obj.Name, fmt.Sprintf("will not able to create pod with invalid DNS label: %s", host)))
	}
	return errs
}

// ValidateTemplate checks the job that a cron job makes: it gets its selector when it is made.
func ValidateTemplate(spec *batchv1.JobSpec, path *field.Path, opts podspec.Options) field.ErrorList {
	errs := validateCommon(spec, path, opts)
	if spec.Selector != nil {
		errs = append(errs, field.Invalid(path.Child("selector"), spec.Selector, "`selector` will be auto-generated"))
	}
	if spec.ManualSelector != nil && *spec.ManualSelector {
		errs = append(errs, field.NotSupported(path.Child("manualSelector"), fmt.Sprint(*spec.ManualSelector), []string{"nil", "false"}))
	}
	return errs
}

func validateSpec(spec *batchv1.JobSpec, path *field.Path, opts podspec.Options, selectors metavalidation.LabelSelectorValidationOptions) field.ErrorList {
	errs := validateCommon(spec, path, opts)
	if spec.Selector == nil {
		errs = append(errs, field.Required(path.Child("selector"), ""))
	} else {
		errs = append(errs, metavalidation.ValidateLabelSelector(spec.Selector, selectors, path.Child("selector"))...)
	}
	if selector, err := metav1.LabelSelectorAsSelector(spec.Selector); err == nil && !selector.Matches(labels.Set(spec.Template.Labels)) {
		errs = append(errs, field.Invalid(path.Child("template", "metadata", "labels"), spec.Template.Labels, "`selector` does not match template `labels`"))
	}
	return errs
}

func validateCommon(spec *batchv1.JobSpec, path *field.Path, opts podspec.Options) field.ErrorList {
	var errs field.ErrorList
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	add(check.NonNegativePointer(path.Child("parallelism"), spec.Parallelism))
	add(check.NonNegativePointer(path.Child("completions"), spec.Completions))
	add(check.NonNegativePointer(path.Child("activeDeadlineSeconds"), spec.ActiveDeadlineSeconds))
	add(check.NonNegativePointer(path.Child("backoffLimit"), spec.BackoffLimit))
	add(check.NonNegativePointer(path.Child("ttlSecondsAfterFinished"), spec.TTLSecondsAfterFinished))
	add(check.NonNegativePointer(path.Child("backoffLimitPerIndex"), spec.BackoffLimitPerIndex))
	if spec.MaxFailedIndexes != nil {
		add(check.NonNegativePointer(path.Child("maxFailedIndexes"), spec.MaxFailedIndexes))
		if spec.BackoffLimitPerIndex == nil {
			add(field.ErrorList{field.Required(path.Child("backoffLimitPerIndex"), "when maxFailedIndexes is specified")})
		}
	}
	if spec.ManagedBy != nil {
		at := path.Child("managedBy")
		add(validation.IsDomainPrefixedPath(at, *spec.ManagedBy))
		if len(*spec.ManagedBy) > longestManager {
			add(field.ErrorList{field.TooLong(at, *spec.ManagedBy, longestManager)})
		}
	}
	if spec.CompletionMode != nil {
		add(validateMode(spec, path))
	}
	if spec.CompletionMode == nil || *spec.CompletionMode == batchv1.NonIndexedCompletion {
		if spec.BackoffLimitPerIndex != nil {
			add(field.ErrorList{field.Invalid(path.Child("backoffLimitPerIndex"), *spec.BackoffLimitPerIndex, "requires indexed completion mode")})
		}
		if spec.MaxFailedIndexes != nil {
			add(field.ErrorList{field.Invalid(path.Child("maxFailedIndexes"), *spec.MaxFailedIndexes, "requires indexed completion mode")})
		}
	}
	add(validateFailurePolicy(spec, path.Child("podFailurePolicy")))
	add(validateSuccessPolicy(spec, path.Child("successPolicy")))
	add(validateReplacement(spec, path.Child("podReplacementPolicy")))
	template := path.Child("template")
	add(podspec.ValidateTemplate(&spec.Template, template, opts))
	restart := spec.Template.Spec.RestartPolicy
	switch {
	case restart == "", restart == corev1.RestartPolicyAlways:
		add(field.ErrorList{field.Required(template.Child("spec", "restartPolicy"), fmt.Sprintf("valid values: %q, %q", corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever))})
	case restart != corev1.RestartPolicyOnFailure && restart != corev1.RestartPolicyNever:
		add(field.ErrorList{field.NotSupported(template.Child("spec", "restartPolicy"), restart, []corev1.RestartPolicy{corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever})})
	case spec.PodFailurePolicy != nil && restart != corev1.RestartPolicyNever:
		add(field.ErrorList{field.Invalid(template.Child("spec", "restartPolicy"), restart, fmt.Sprintf("only %q is supported when podFailurePolicy is specified", corev1.RestartPolicyNever))})
	}
	return errs
}

// validateMode: an indexed job needs a number of indexes, and one that its status can keep account of.
func validateMode(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	at := path.Child("completionMode")
	if mode := *spec.CompletionMode; mode != batchv1.NonIndexedCompletion && mode != batchv1.IndexedCompletion {
		return field.ErrorList{field.NotSupported(at, mode, []batchv1.CompletionMode{batchv1.NonIndexedCompletion, batchv1.IndexedCompletion})}
	} else if mode == batchv1.NonIndexedCompletion {
		return nil
	}
	var errs field.ErrorList
	if spec.Completions == nil {
		errs = append(errs, field.Required(path.Child("completions"), fmt.Sprintf("when completion mode is %s", batchv1.IndexedCompletion)))
	}
	if p := spec.Parallelism; p != nil && *p > mostIndexedParallelism {
		errs = append(errs, field.Invalid(path.Child("parallelism"), *p, fmt.Sprintf("must be less than or equal to %d when completion mode is %s", mostIndexedParallelism, batchv1.IndexedCompletion)))
	}
	if spec.Completions == nil {
		return errs
	}
	n := *spec.Completions
	if f := spec.MaxFailedIndexes; f != nil {
		if *f > n {
			errs = append(errs, field.Invalid(path.Child("maxFailedIndexes"), *f, "must be less than or equal to completions"))
		}
		if *f > mostFailedIndexes {
			errs = append(errs, field.Invalid(path.Child("maxFailedIndexes"), *f, fmt.Sprintf("must be less than or equal to %d", mostFailedIndexes)))
		}
	}
	if n <= mostPerIndexCompletions || spec.BackoffLimitPerIndex == nil {
		return errs
	}
	if f := spec.MaxFailedIndexes; f == nil {
		errs = append(errs, field.Required(path.Child("maxFailedIndexes"), fmt.Sprintf("must be specified when completions is above %d", mostPerIndexCompletions)))
	} else if *f > mostFailedIndexesWhenMany {
		errs = append(errs, field.Invalid(path.Child("maxFailedIndexes"), *f, fmt.Sprintf("must be less than or equal to %d when completions are above %d and used with backoff limit per index", mostFailedIndexesWhenMany, mostPerIndexCompletions)))
	}
	if p := spec.Parallelism; p != nil && *p > mostPerIndexParallelism {
		errs = append(errs, field.Invalid(path.Child("parallelism"), *p, fmt.Sprintf("must be less than or equal to %d when completions are above %d and used with backoff limit per index", mostPerIndexParallelism, mostPerIndexCompletions)))
	}
	return errs
}

func validateReplacement(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	p := spec.PodReplacementPolicy
	if p == nil {
		return nil
	}
	switch {
	case spec.PodFailurePolicy != nil && *p != batchv1.Failed:
		return field.ErrorList{field.NotSupported(path, *p, []batchv1.PodReplacementPolicy{batchv1.Failed})}
	case *p != batchv1.Failed && *p != batchv1.TerminatingOrFailed:
		return field.ErrorList{field.NotSupported(path, *p, []batchv1.PodReplacementPolicy{batchv1.Failed, batchv1.TerminatingOrFailed})}
	}
	return nil
}
