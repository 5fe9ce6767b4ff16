package job

import (
	"math"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/podspec"
)

// SetDefaults runs one pod once, and tries again six times.
func SetDefaults(obj *batchv1.Job) {
	setSpecDefaults(&obj.Spec)
	if len(obj.Labels) == 0 {
		obj.Labels = obj.Spec.Template.Labels
	}
}

// SetTemplateDefaults is for the job that a cron job makes.
func SetTemplateDefaults(template *batchv1.JobTemplateSpec) {
	podspec.SetTemplateDefaults(&template.Spec.Template)
	setRuleDefaults(template.Spec.PodFailurePolicy)
}

func setSpecDefaults(spec *batchv1.JobSpec) {
	if spec.Completions == nil && spec.Parallelism == nil {
		setDefault(&spec.Completions, 1)
	}
	setDefault(&spec.Parallelism, 1)
	if spec.BackoffLimit == nil {
		// With a limit for each index, the job as a whole has none.
		limit := int32(6)
		if spec.BackoffLimitPerIndex != nil {
			limit = math.MaxInt32
		}
		spec.BackoffLimit = &limit
	}
	setDefault(&spec.CompletionMode, batchv1.NonIndexedCompletion)
	setDefault(&spec.Suspend, false)
	if spec.PodReplacementPolicy == nil {
		policy := batchv1.TerminatingOrFailed
		if spec.PodFailurePolicy != nil {
			policy = batchv1.Failed
		}
		spec.PodReplacementPolicy = &policy
	}
	setDefault(&spec.ManualSelector, false)
	podspec.SetTemplateDefaults(&spec.Template)
	setRuleDefaults(spec.PodFailurePolicy)
}

func setRuleDefaults(policy *batchv1.PodFailurePolicy) {
	if policy == nil {
		return
	}
	for i := range policy.Rules {
		for j := range policy.Rules[i].OnPodConditions {
			if p := &policy.Rules[i].OnPodConditions[j]; p.Status == "" {
				p.Status = corev1.ConditionTrue
			}
		}
	}
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
