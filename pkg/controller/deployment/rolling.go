package deployment

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// scaling is one decision: give the ReplicaSet that many replicas.
type scaling struct {
	set *appsv1.ReplicaSet
	to  int32
}

// limits are the deployment's size and by how much a rollout may differ from it.
type limits struct {
	replicas, surge, unavailable int32
}

func limitsOf(d *appsv1.Deployment) limits {
	l := limits{replicas: deref(d.Spec.Replicas)}
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || l.replicas == 0 {
		return l
	}
	if r := d.Spec.Strategy.RollingUpdate; r != nil {
		// Validated by the API server; an unreadable value counts as 0.
		surge, _ := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(r.MaxSurge, intstr.FromInt32(0)), int(l.replicas), true)
		unavailable, _ := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(r.MaxUnavailable, intstr.FromInt32(0)), int(l.replicas), false)
		l.surge, l.unavailable = int32(surge), int32(unavailable)
	}
	if l.surge == 0 && l.unavailable == 0 {
		// Percentages may both round to nothing, and then no rollout could take a step.
		l.unavailable = 1
	}
	l.unavailable = min(l.unavailable, l.replicas)
	return l
}

// max is the highest number of replicas during a rollout.
func (l limits) max() int32 { return l.replicas + l.surge }

// available is the lowest number of available replicas during a rollout.
func (l limits) available() int32 { return l.replicas - l.unavailable }

// growNew returns how many replicas the new ReplicaSet may have now, when there are total replicas in all.
func growNew(l limits, kind appsv1.DeploymentStrategyType, current, total int32) int32 {
	if kind != appsv1.RollingUpdateDeploymentStrategyType || current >= l.replicas {
		return l.replicas
	}
	if total >= l.max() {
		return current
	}
	return min(current+l.max()-total, l.replicas)
}

// planRolling decides one step of a rolling update: first room for new pods, when there is none, old pods go as far as the
// available ones allow.
func planRolling(l limits, newSet *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) []scaling {
	all := append(slices.Clone(old), newSet)
	if n := growNew(l, appsv1.RollingUpdateDeploymentStrategyType, deref(newSet.Spec.Replicas), wanted(all)); n != deref(newSet.Spec.Replicas) {
		return []scaling{{newSet, n}}
	}
	if wanted(old) == 0 {
		return nil
	}
	// Pods of the new set that are not available yet must be assumed to stay so: old pods are not taken away for them.
	unavailableNew := deref(newSet.Spec.Replicas) - newSet.Status.AvailableReplicas
	spare := wanted(all) - l.available() - unavailableNew
	if spare <= 0 {
		return nil
	}
	return shrinkOld(l, old, newSet, spare)
}

// shrinkOld takes pods that do not work first: they cost no availability. What is still to spare then comes from working ones.
func shrinkOld(l limits, old []*appsv1.ReplicaSet, newSet *appsv1.ReplicaSet, spare int32) []scaling {
	oldestFirst := slices.Clone(old)
	slices.SortStableFunc(oldestFirst, byAge)
	size := map[*appsv1.ReplicaSet]int32{}
	cleaned := int32(0)
	for _, rs := range oldestFirst {
		size[rs] = deref(rs.Spec.Replicas)
		if n := min(spare-cleaned, size[rs]-rs.Status.AvailableReplicas); n > 0 {
			size[rs] -= n
			cleaned += n
		}
	}
	extra := available(old) + newSet.Status.AvailableReplicas - l.available()
	for _, rs := range oldestFirst {
		if n := min(extra, size[rs]); n > 0 {
			size[rs] -= n
			extra -= n
		}
	}
	var out []scaling
	for _, rs := range oldestFirst {
		if size[rs] != deref(rs.Spec.Replicas) {
			out = append(out, scaling{rs, size[rs]})
		}
	}
	return out
}

// byAge puts the oldest first; equal times are ordered by name so that every sync decides alike.
func byAge(a, b *appsv1.ReplicaSet) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// wanted is the sum of spec.replicas.
func wanted(sets []*appsv1.ReplicaSet) (n int32) {
	for _, rs := range sets {
		n += deref(rs.Spec.Replicas)
	}
	return n
}

func available(sets []*appsv1.ReplicaSet) (n int32) {
	for _, rs := range sets {
		n += rs.Status.AvailableReplicas
	}
	return n
}

func deref(p *int32) int32 {
	if p == nil {
		return 1 // the default of every replicas field
	}
	return *p
}
