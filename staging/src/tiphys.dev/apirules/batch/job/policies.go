package job

import (
	"fmt"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	mostFailureRules   = 20
	mostExitCodes      = 255
	mostPatterns       = 20
	mostSuccessRules   = 20
	longestIndexesText = 64 * 1024
)

func validateFailurePolicy(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	if spec.PodFailurePolicy == nil {
		return nil
	}
	at := path.Child("rules")
	rules := spec.PodFailurePolicy.Rules
	var errs field.ErrorList
	if len(rules) > mostFailureRules {
		errs = append(errs, field.TooMany(at, len(rules), mostFailureRules))
	}
	containers := sets.New[string]()
	for _, list := range [][]corev1.Container{spec.Template.Spec.Containers, spec.Template.Spec.InitContainers} {
		for _, c := range list {
			containers.Insert(c.Name)
		}
	}
	for i := range rules {
		errs = append(errs, validateFailureRule(spec, &rules[i], containers, at.Index(i))...)
	}
	return errs
}

func validateFailureRule(spec *batchv1.JobSpec, r *batchv1.PodFailurePolicyRule, containers sets.Set[string], path *field.Path) field.ErrorList {
	var errs field.ErrorList
	action := path.Child("action")
	if r.Action == "" {
		errs = append(errs, field.Required(action, fmt.Sprintf("valid values: %q", []batchv1.PodFailurePolicyAction{
			batchv1.PodFailurePolicyActionCount, batchv1.PodFailurePolicyActionFailIndex, batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore})))
	}
	switch r.Action {
	case "", batchv1.PodFailurePolicyActionCount, batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore:
	case batchv1.PodFailurePolicyActionFailIndex:
		if spec.BackoffLimitPerIndex == nil {
			errs = append(errs, field.Invalid(action, r.Action, "requires the backoffLimitPerIndex to be set"))
		}
	default:
		errs = append(errs, check.OneOf(action, r.Action, batchv1.PodFailurePolicyActionCount, batchv1.PodFailurePolicyActionFailIndex,
			batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore)...)
	}
	if r.OnExitCodes != nil {
		errs = append(errs, validateExitCodes(r.OnExitCodes, containers, path.Child("onExitCodes"))...)
	}
	if len(r.OnPodConditions) > 0 {
		errs = append(errs, validatePatterns(r.OnPodConditions, path.Child("onPodConditions"))...)
	}
	switch {
	case r.OnExitCodes != nil && len(r.OnPodConditions) > 0:
		errs = append(errs, field.Invalid(path, field.OmitValueType{}, "specifying both OnExitCodes and OnPodConditions is not supported"))
	case r.OnExitCodes == nil && len(r.OnPodConditions) == 0:
		errs = append(errs, field.Invalid(path, field.OmitValueType{}, "specifying one of OnExitCodes and OnPodConditions is required"))
	}
	return errs
}

func validateExitCodes(r *batchv1.PodFailurePolicyOnExitCodesRequirement, containers sets.Set[string], path *field.Path) field.ErrorList {
	var errs field.ErrorList
	operators := []batchv1.PodFailurePolicyOnExitCodesOperator{batchv1.PodFailurePolicyOnExitCodesOpIn, batchv1.PodFailurePolicyOnExitCodesOpNotIn}
	if r.Operator == "" {
		errs = append(errs, field.Required(path.Child("operator"), fmt.Sprintf("valid values: %q", operators)))
	} else {
		errs = append(errs, check.OneOf(path.Child("operator"), r.Operator, operators...)...)
	}
	if r.ContainerName != nil && !containers.Has(*r.ContainerName) {
		errs = append(errs, field.Invalid(path.Child("containerName"), *r.ContainerName, "must be one of the container or initContainer names in the pod template"))
	}
	values := path.Child("values")
	if len(r.Values) == 0 {
		errs = append(errs, field.Invalid(values, r.Values, "at least one value is required"))
	} else if len(r.Values) > mostExitCodes {
		errs = append(errs, field.TooMany(values, len(r.Values), mostExitCodes))
	}
	seen := sets.New[int32]()
	sorted := true
	for i, code := range r.Values {
		if r.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn && code == 0 {
			errs = append(errs, field.Invalid(values.Index(i), code, "must not be 0 for the In operator"))
		}
		if seen.Has(code) {
			errs = append(errs, field.Duplicate(values.Index(i), code))
		}
		seen.Insert(code)
		if i > 0 && r.Values[i-1] > code {
			sorted = false
		}
	}
	if !sorted {
		errs = append(errs, field.Invalid(values, r.Values, "must be ordered"))
	}
	return errs
}

func validatePatterns(patterns []batchv1.PodFailurePolicyOnPodConditionsPattern, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(patterns) > mostPatterns {
		errs = append(errs, field.TooMany(path, len(patterns), mostPatterns))
	}
	statuses := []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionTrue, corev1.ConditionUnknown}
	for i, p := range patterns {
		errs = append(errs, check.QualifiedName(path.Index(i).Child("type"), string(p.Type))...)
		if p.Status == "" {
			errs = append(errs, field.Required(path.Index(i).Child("status"), fmt.Sprintf("valid values: %q", statuses)))
		} else {
			errs = append(errs, check.OneOf(path.Index(i).Child("status"), p.Status, statuses...)...)
		}
	}
	return errs
}

func validateSuccessPolicy(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	if spec.SuccessPolicy == nil {
		return nil
	}
	var errs field.ErrorList
	if spec.CompletionMode == nil || *spec.CompletionMode != batchv1.IndexedCompletion {
		return append(errs, field.Invalid(path, *spec.SuccessPolicy, "requires indexed completion mode"))
	}
	at, rules := path.Child("rules"), spec.SuccessPolicy.Rules
	if len(rules) == 0 {
		return append(errs, field.Required(at, "at least one rules must be specified when the successPolicy is specified"))
	}
	if len(rules) > mostSuccessRules {
		errs = append(errs, field.TooMany(at, len(rules), mostSuccessRules))
	}
	for i, r := range rules {
		errs = append(errs, validateSuccessRule(spec, r, at.Index(i))...)
	}
	return errs
}

func validateSuccessRule(spec *batchv1.JobSpec, r batchv1.SuccessPolicyRule, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if r.SucceededCount == nil && r.SucceededIndexes == nil {
		errs = append(errs, field.Required(path, "at least one of succeededCount or succeededIndexes must be specified"))
	}
	var total int32
	if r.SucceededIndexes != nil {
		at := path.Child("succeededIndexes")
		if len(*r.SucceededIndexes) > longestIndexesText {
			errs = append(errs, field.TooLong(at, *r.SucceededIndexes, longestIndexesText))
		}
		n, err := countIndexes(*r.SucceededIndexes, completions(spec))
		if err != nil {
			errs = append(errs, field.Invalid(at, *r.SucceededIndexes, fmt.Sprintf("error parsing succeededIndexes: %s", err)))
		}
		total = n
	}
	if r.SucceededCount != nil {
		at, n := path.Child("succeededCount"), *r.SucceededCount
		errs = append(errs, check.NonNegative(at, n)...)
		if n > completions(spec) {
			errs = append(errs, field.Invalid(at, n, fmt.Sprintf("must be less than or equal to %d (the number of specified completions)", completions(spec))))
		}
		if r.SucceededIndexes != nil && n > total {
			errs = append(errs, field.Invalid(at, n, fmt.Sprintf("must be less than or equal to %d (the number of indexes in the specified succeededIndexes field)", total)))
		}
	}
	return errs
}

func completions(spec *batchv1.JobSpec) int32 {
	if spec.Completions == nil {
		return 0
	}
	return *spec.Completions
}

// countIndexes reads a list of indexes such as "1,3-5,7": rising, and below the number of completions.
func countIndexes(text string, completions int32) (int32, error) {
	if text == "" {
		return 0, nil
	}
	var count int32
	last := int64(-1)
	number := func(s string) (int64, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("cannot convert string to integer for index: %q", s)
		}
		if n >= int(completions) {
			return 0, fmt.Errorf("too large index: %q", s)
		}
		return int64(n), nil
	}
	for part := range strings.SplitSeq(text, ",") {
		ends := strings.Split(part, "-")
		if len(ends) > 2 {
			return 0, fmt.Errorf("the fragment %q violates the requirement that an index interval can have at most two parts separated by '-'", part)
		}
		first, err := number(ends[0])
		if err != nil {
			return 0, err
		}
		if last >= first {
			return 0, fmt.Errorf("non-increasing order, previous: %d, current: %d", last, first)
		}
		final := first
		if len(ends) == 2 {
			if final, err = number(ends[1]); err != nil {
				return 0, err
			}
			if first >= final {
				return 0, fmt.Errorf("non-increasing order, previous: %d, current: %d", first, final)
			}
		}
		count += int32(final-first) + 1
		last = final
	}
	return count, nil
}
