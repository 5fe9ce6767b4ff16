package podspec

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// ValidateRunsForever wants of a template what workloads that keep pods running need: pods that always restart and
// have no deadline.
func ValidateRunsForever(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.RestartPolicy != v1.RestartPolicyAlways {
		errs = append(errs, field.NotSupported(path.Child("restartPolicy"), spec.RestartPolicy, []v1.RestartPolicy{v1.RestartPolicyAlways}))
	}
	if spec.ActiveDeadlineSeconds != nil {
		errs = append(errs, field.Forbidden(path.Child("activeDeadlineSeconds"), "activeDeadlineSeconds in ReplicaSet is not Supported"))
	}
	return errs
}

// ReplicaCounts is what replica sets and replication controllers report.
type ReplicaCounts struct {
	Replicas, FullyLabeled, Ready, Available int32
	ObservedGeneration                       int64
	Terminating                              *int32
}

// ValidateReplicaCounts wants parts not to be greater than the whole.
func ValidateReplicaCounts(c ReplicaCounts, path *field.Path) field.ErrorList {
	errs := check.NonNegative(path.Child("replicas"), c.Replicas)
	errs = append(errs, check.NonNegative(path.Child("fullyLabeledReplicas"), c.FullyLabeled)...)
	errs = append(errs, check.NonNegative(path.Child("readyReplicas"), c.Ready)...)
	errs = append(errs, check.NonNegative(path.Child("availableReplicas"), c.Available)...)
	errs = append(errs, check.NonNegative(path.Child("observedGeneration"), c.ObservedGeneration)...)
	errs = append(errs, check.NonNegativePointer(path.Child("terminatingReplicas"), c.Terminating)...)
	const tooMany = "cannot be greater than status.replicas"
	if c.FullyLabeled > c.Replicas {
		errs = append(errs, field.Invalid(path.Child("fullyLabeledReplicas"), c.FullyLabeled, tooMany))
	}
	if c.Ready > c.Replicas {
		errs = append(errs, field.Invalid(path.Child("readyReplicas"), c.Ready, tooMany))
	}
	if c.Available > c.Replicas {
		errs = append(errs, field.Invalid(path.Child("availableReplicas"), c.Available, tooMany))
	}
	if c.Available > c.Ready {
		errs = append(errs, field.Invalid(path.Child("availableReplicas"), c.Available, "cannot be greater than readyReplicas"))
	}
	return errs
}

// ValidateCollisionCount wants the count of hash collisions never to go back: names made with it are in use.
func ValidateCollisionCount(now, was *int32, path *field.Path) field.ErrorList {
	if was == nil {
		return nil
	}
	var n int32
	if now != nil {
		n = *now
	}
	if n < *was {
		return field.ErrorList{field.Invalid(path, n, "cannot be decremented")}
	}
	return nil
}
