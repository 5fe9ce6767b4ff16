package job

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
)

func TestMatch(t *testing.T) {
	exit := func(name string, code int32) v1.ContainerStatus {
		return v1.ContainerStatus{Name: name, State: v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: code}}}
	}
	codes := func(action batchv1.PodFailurePolicyAction, container string, op batchv1.PodFailurePolicyOnExitCodesOperator, values ...int32) batchv1.PodFailurePolicyRule {
		r := batchv1.PodFailurePolicyRule{Action: action, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: op, Values: values}}
		if container != "" {
			r.OnExitCodes.ContainerName = &container
		}
		return r
	}
	condition := func(action batchv1.PodFailurePolicyAction, kind v1.PodConditionType) batchv1.PodFailurePolicyRule {
		return batchv1.PodFailurePolicyRule{Action: action, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: kind, Status: v1.ConditionTrue}}}
	}
	in, notIn := batchv1.PodFailurePolicyOnExitCodesOpIn, batchv1.PodFailurePolicyOnExitCodesOpNotIn
	failJob, ignore, count, failIndex := batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore, batchv1.PodFailurePolicyActionCount, batchv1.PodFailurePolicyActionFailIndex
	failed := func(p v1.PodStatus) v1.PodStatus {
		p.Phase = v1.PodFailed
		return p
	}
	for _, tc := range []struct {
		name   string
		rules  []batchv1.PodFailurePolicyRule
		status v1.PodStatus
		want   batchv1.PodFailurePolicyAction
	}{
		{"no rules", nil, failed(v1.PodStatus{}), count},
		{"code listed", []batchv1.PodFailurePolicyRule{codes(failJob, "", in, 42)}, failed(v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{exit("a", 1), exit("b", 42)}}), failJob},
		{"code not listed", []batchv1.PodFailurePolicyRule{codes(failJob, "", in, 42)}, failed(v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{exit("a", 1)}}), count},
		{"success matches no rule", []batchv1.PodFailurePolicyRule{codes(failJob, "", notIn, 42)}, failed(v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{exit("a", 0)}}), count},
		{"not in", []batchv1.PodFailurePolicyRule{codes(failIndex, "", notIn, 42)}, failed(v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{exit("a", 7)}}), failIndex},
		{"another container", []batchv1.PodFailurePolicyRule{codes(failJob, "main", in, 42)}, failed(v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{exit("side", 42)}}), count},
		{"init container", []batchv1.PodFailurePolicyRule{codes(failJob, "init", in, 42)}, failed(v1.PodStatus{InitContainerStatuses: []v1.ContainerStatus{exit("init", 42)}}), failJob},
		{"disrupted", []batchv1.PodFailurePolicyRule{condition(ignore, v1.DisruptionTarget)}, failed(v1.PodStatus{Conditions: []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionTrue}}}), ignore},
		{"condition not true", []batchv1.PodFailurePolicyRule{condition(ignore, v1.DisruptionTarget)}, failed(v1.PodStatus{Conditions: []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionFalse}}}), count},
		{"the first rule wins", []batchv1.PodFailurePolicyRule{condition(ignore, v1.DisruptionTarget), codes(failJob, "", in, 137)},
			failed(v1.PodStatus{Conditions: []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionTrue}}, ContainerStatuses: []v1.ContainerStatus{exit("a", 137)}}), ignore},
		{"a running pod", []batchv1.PodFailurePolicyRule{codes(failJob, "", in, 42)}, v1.PodStatus{Phase: v1.PodRunning, ContainerStatuses: []v1.ContainerStatus{exit("a", 42)}}, count},
	} {
		got, message := match(&batchv1.PodFailurePolicy{Rules: tc.rules}, &v1.Pod{Status: tc.status})
		if got != tc.want {
			t.Errorf("%s: %s (%s), want %s", tc.name, got, message, tc.want)
		}
	}
}
