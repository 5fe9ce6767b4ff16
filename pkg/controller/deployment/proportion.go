package deployment

import (
	"cmp"
	"math"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// isScaling tells whether spec.replicas differs from the size some ReplicaSet was last made for.
func isScaling(d *appsv1.Deployment, all []*appsv1.ReplicaSet) bool {
	for _, rs := range active(all) {
		if desired, ok := intAnnotation(rs, desiredAnnotation); ok && desired != deref(d.Spec.Replicas) {
			return true
		}
	}
	return false
}

func active(all []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	var out []*appsv1.ReplicaSet
	for _, rs := range all {
		if deref(rs.Spec.Replicas) > 0 {
			out = append(out, rs)
		}
	}
	return out
}

// planScale follows a change of spec.replicas, without taking a rollout further: with one live ReplicaSet that one gets the
// size; with a finished new one the old ones go; in the middle of a rollout all live ones grow or shrink in proportion, so
// that a rollout that may be failing keeps its share.
func planScale(d *appsv1.Deployment, newSet *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) []scaling {
	l := limitsOf(d)
	all := slices.Clone(old)
	if newSet != nil {
		all = append(all, newSet)
	}
	slices.SortStableFunc(all, byAge)
	live := active(all)
	if len(live) <= 1 {
		only := newSet
		if len(live) == 1 {
			only = live[0]
		} else if only == nil && len(all) > 0 {
			only = all[len(all)-1]
		}
		if only == nil || deref(only.Spec.Replicas) == l.replicas {
			return nil
		}
		return []scaling{{only, l.replicas}}
	}
	if newSet != nil && saturated(l, newSet) {
		var out []scaling
		for _, rs := range active(old) {
			out = append(out, scaling{rs, 0})
		}
		return out
	}
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
		return nil
	}
	return inProportion(l, live)
}

func saturated(l limits, rs *appsv1.ReplicaSet) bool {
	desired, ok := intAnnotation(rs, desiredAnnotation)
	return ok && desired == l.replicas && deref(rs.Spec.Replicas) == l.replicas && rs.Status.AvailableReplicas == l.replicas
}

func inProportion(l limits, live []*appsv1.ReplicaSet) []scaling {
	allowed := int32(0)
	if l.replicas > 0 {
		allowed = l.max()
	}
	change := allowed - wanted(live)
	order := slices.Clone(live)
	slices.SortStableFunc(order, func(a, b *appsv1.ReplicaSet) int { // the largest first; newest first when growing, oldest when shrinking
		bySize := cmp.Compare(deref(b.Spec.Replicas), deref(a.Spec.Replicas))
		if change > 0 {
			return cmp.Or(bySize, byAge(b, a))
		}
		return cmp.Or(bySize, byAge(a, b))
	})
	size := make([]int32, len(order))
	given := int32(0)
	for i, rs := range order {
		size[i] = deref(rs.Spec.Replicas)
		if change == 0 {
			continue
		}
		step := share(rs, l, change, given)
		size[i] += step
		given += step
	}
	if len(order) > 0 { // what rounding left over
		size[0] = max(0, size[0]+change-given)
	}
	out := make([]scaling, len(order))
	for i, rs := range order {
		out[i] = scaling{rs, size[i]} // even an unchanged size must carry the new annotations
	}
	return out
}

// share is the part of the change that falls to one ReplicaSet: its size in relation to the size the deployment had when the
// ReplicaSet was last scaled, never more than what is left, and never in the wrong direction.
func share(rs *appsv1.ReplicaSet, l limits, change, given int32) int32 {
	size := deref(rs.Spec.Replicas)
	if l.replicas == 0 {
		return -size
	}
	base, ok := intAnnotation(rs, maxAnnotation)
	if !ok || base == 0 {
		base = rs.Status.Replicas
	}
	if base == 0 {
		return 0
	}
	part := int32(math.Round(float64(size)*float64(l.max())/float64(base))) - size
	if left := change - given; change > 0 {
		return max(0, min(part, left))
	} else {
		return min(0, max(part, left))
	}
}
