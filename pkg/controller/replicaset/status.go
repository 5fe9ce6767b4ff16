package replicaset

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// newStatus describes the pods as they are seen now; what this sync has just written is counted when it comes back.
func newStatus(set *Set, countTerminating bool, active, terminating []*v1.Pod, scaleErr error, now metav1.Time) appsv1.ReplicaSetStatus {
	s := appsv1.ReplicaSetStatus{
		Replicas:           int32(len(active)),
		ObservedGeneration: set.Object.GetGeneration(),
		Conditions:         slices.Clone(set.Status.Conditions),
	}
	if countTerminating {
		gone := int32(len(terminating))
		s.TerminatingReplicas = &gone
	}
	template := labels.Set(set.Template.Labels).AsSelectorPreValidated()
	for _, p := range active {
		if template.Matches(labels.Set(p.Labels)) {
			s.FullyLabeledReplicas++
		}
		if podstate.IsReady(p) {
			s.ReadyReplicas++
		}
		if podstate.IsAvailable(p, set.MinReadySeconds, now) {
			s.AvailableReplicas++
		}
	}
	s.Conditions = withFailure(s.Conditions, scaleErr, set.Replicas > s.Replicas, now)
	return s
}

// withFailure keeps the time of an existing ReplicaFailure condition while the failure lasts, and drops it when it is over.
func withFailure(conditions []appsv1.ReplicaSetCondition, err error, creating bool, now metav1.Time) []appsv1.ReplicaSetCondition {
	isFailure := func(c appsv1.ReplicaSetCondition) bool { return c.Type == appsv1.ReplicaSetReplicaFailure }
	if err == nil {
		return slices.DeleteFunc(conditions, isFailure)
	}
	if slices.ContainsFunc(conditions, isFailure) {
		return conditions
	}
	reason := "FailedDelete"
	if creating {
		reason = "FailedCreate"
	}
	return append(conditions, appsv1.ReplicaSetCondition{
		Type: appsv1.ReplicaSetReplicaFailure, Status: v1.ConditionTrue, Reason: reason, Message: err.Error(), LastTransitionTime: now,
	})
}
