package cronjob

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // time zones are checked the same way on machines without a zone database

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// longestName leaves room for the dash and the minutes since 1970 that end the name of each job.
const longestName = validation.DNS1035LabelMaxLength - 11

// SetDefaults lets runs overlap, and keeps three that succeeded and one that failed.
func SetDefaults(obj *batchv1.CronJob) {
	if obj.Spec.ConcurrencyPolicy == "" {
		obj.Spec.ConcurrencyPolicy = batchv1.AllowConcurrent
	}
	setDefault(&obj.Spec.Suspend, false)
	setDefault(&obj.Spec.SuccessfulJobsHistoryLimit, 3)
	setDefault(&obj.Spec.FailedJobsHistoryLimit, 1)
	job.SetTemplateDefaults(&obj.Spec.JobTemplate)
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// Validate checks a new cron job.
func Validate(obj *batchv1.CronJob) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, nil, podspec.Options{})...)
	if len(obj.Name) > longestName {
		errs = append(errs, field.Invalid(field.NewPath("metadata").Child("name"), obj.Name, fmt.Sprintf("must be no more than %d characters", longestName)))
	}
	return errs
}

// ValidateUpdate checks a change. A schedule or zone that was accepted once is judged anew only when it changes.
func ValidateUpdate(obj, old *batchv1.CronJob) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, &old.Spec, podspec.ForUpdate(&old.Spec.JobTemplate.Spec.Template.Spec, false))...)
}

func validateSpec(spec, old *batchv1.CronJobSpec, opts podspec.Options) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if spec.Schedule == "" {
		errs = append(errs, field.Required(path.Child("schedule"), ""))
	} else {
		mayHaveZone := old != nil && strings.Contains(old.Schedule, "TZ")
		errs = append(errs, validateSchedule(spec.Schedule, mayHaveZone, spec.TimeZone, path.Child("schedule"))...)
	}
	errs = append(errs, check.NonNegativePointer(path.Child("startingDeadlineSeconds"), spec.StartingDeadlineSeconds)...)
	if old == nil || !check.Same(old.TimeZone, spec.TimeZone) {
		errs = append(errs, validateZone(spec.TimeZone, path.Child("timeZone"))...)
	}
	errs = append(errs, check.RequiredOneOf(path.Child("concurrencyPolicy"), spec.ConcurrencyPolicy, batchv1.AllowConcurrent, batchv1.ForbidConcurrent, batchv1.ReplaceConcurrent)...)
	errs = append(errs, job.ValidateTemplate(&spec.JobTemplate.Spec, path.Child("jobTemplate", "spec"), opts)...)
	errs = append(errs, check.NonNegativePointer(path.Child("successfulJobsHistoryLimit"), spec.SuccessfulJobsHistoryLimit)...)
	return append(errs, check.NonNegativePointer(path.Child("failedJobsHistoryLimit"), spec.FailedJobsHistoryLimit)...)
}

func validateSchedule(schedule string, mayHaveZone bool, zone *string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if _, err := parse(schedule); err != nil {
		errs = append(errs, field.Invalid(path, schedule, err.Error()))
	}
	if !strings.Contains(schedule, "TZ") {
		return errs
	}
	switch {
	case mayHaveZone && zone != nil:
		errs = append(errs, field.Invalid(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"))
	case !mayHaveZone:
		errs = append(errs, field.Invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"))
	}
	return errs
}

// parse reads a schedule; the library panics on some that are not well formed (a zone with nothing behind it).
func parse(schedule string) (s cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("invalid schedule format: %v", r)
		}
	}()
	return cron.ParseStandard(schedule)
}

func validateZone(zone *string, path *field.Path) field.ErrorList {
	if zone == nil {
		return nil
	}
	if *zone == "" {
		return field.ErrorList{field.Invalid(path, zone, "timeZone must be nil or non-empty string")}
	}
	for _, r := range *zone {
		if !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-+_/", r)) {
			return field.ErrorList{field.Invalid(path, zone, fmt.Sprintf("unknown time zone %s", *zone))}
		}
	}
	if strings.EqualFold(*zone, "Local") {
		return field.ErrorList{field.Invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")}
	}
	if _, err := time.LoadLocation(*zone); err != nil {
		return field.ErrorList{field.Invalid(path, zone, err.Error())}
	}
	return nil
}

// Warnings tells of names that make poor host names, and of zones in schedules.
func Warnings(obj *batchv1.CronJob) []string {
	var warnings []string
	if msgs := validation.IsDNS1123Label(obj.Name); len(msgs) != 0 {
		warnings = append(warnings, fmt.Sprintf("metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
	}
	if strings.Contains(obj.Spec.Schedule, "TZ") {
		warnings = append(warnings, "CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details")
	}
	return append(warnings, podspec.TemplateWarnings(&obj.Spec.JobTemplate.Spec.Template, field.NewPath("spec", "jobTemplate", "spec", "template"))...)
}

// UpdateWarnings tells the same when what they are about changed.
func UpdateWarnings(obj, old *batchv1.CronJob) []string {
	var warnings []string
	if obj.Generation != old.Generation {
		warnings = podspec.TemplateWarnings(&obj.Spec.JobTemplate.Spec.Template, field.NewPath("spec", "jobTemplate", "spec", "template"))
	}
	if strings.Contains(obj.Spec.Schedule, "TZ") {
		warnings = append(warnings, "CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details")
	}
	return warnings
}
