package job

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
)

// match returns the action of the first rule of the policy that the failed pod fits, or Count.
func match(policy *batchv1.PodFailurePolicy, p *v1.Pod) (batchv1.PodFailurePolicyAction, string) {
	if policy == nil || p.Status.Phase != v1.PodFailed {
		return batchv1.PodFailurePolicyActionCount, ""
	}
	for i, r := range policy.Rules {
		if r.OnExitCodes != nil {
			if s := matchExitCode(r.OnExitCodes, p); s != nil {
				return r.Action, fmt.Sprintf("Container %s for pod %s/%s failed with exit code %d matching %s rule at index %d",
					s.Name, p.Namespace, p.Name, s.State.Terminated.ExitCode, r.Action, i)
			}
			continue
		}
		for _, pattern := range r.OnPodConditions {
			if slices.ContainsFunc(p.Status.Conditions, func(c v1.PodCondition) bool { return c.Type == pattern.Type && c.Status == pattern.Status }) {
				return r.Action, fmt.Sprintf("Pod %s/%s has condition %s matching %s rule at index %d", p.Namespace, p.Name, pattern.Type, r.Action, i)
			}
		}
	}
	return batchv1.PodFailurePolicyActionCount, ""
}

func matchExitCode(r *batchv1.PodFailurePolicyOnExitCodesRequirement, p *v1.Pod) *v1.ContainerStatus {
	for _, list := range [][]v1.ContainerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses} {
		for i := range list {
			s := &list[i]
			if s.State.Terminated == nil || s.State.Terminated.ExitCode == 0 || r.ContainerName != nil && *r.ContainerName != s.Name {
				continue
			}
			if slices.Contains(r.Values, s.State.Terminated.ExitCode) == (r.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn) {
				return s
			}
		}
	}
	return nil
}
