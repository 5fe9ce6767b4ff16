package deployment

import appsv1 "k8s.io/api/apps/v1"

// planRecreate stops all old pods before the first new one starts. The second result tells whether old pods are still there,
// so that the new ReplicaSet must wait.
func planRecreate(old []*appsv1.ReplicaSet) (down []scaling, wait bool) {
	for _, rs := range old {
		if deref(rs.Spec.Replicas) > 0 {
			down = append(down, scaling{rs, 0})
		}
		// The status speaks about the present spec only when it has seen it.
		if rs.Status.ObservedGeneration < rs.Generation || rs.Status.Replicas > 0 || terminating(rs) > 0 {
			wait = true
		}
	}
	return down, wait || len(down) > 0
}

func terminating(rs *appsv1.ReplicaSet) int32 {
	if rs.Status.TerminatingReplicas == nil {
		return 0
	}
	return *rs.Status.TerminatingReplicas
}
