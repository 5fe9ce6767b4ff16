package podcontrol

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// LowestRanked returns the n pods to delete when there are too many. In this order, the first difference decides; the pod
// named first goes first:
//
//	not yet on a node            before on a node
//	phase Pending                before Unknown, before Running
//	not ready                    before ready
//	lower deletion cost          (annotation controller.kubernetes.io/pod-deletion-cost, 0 if absent)
//	more related pods on its node
//	ready for a shorter time     in logarithmic buckets
//	more container restarts
//	created later                in logarithmic buckets
//	UID                          which is as good as random, but the same for everybody who looks
//
// See https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset; the buckets are KEP-2185:
// among pods of about the same age the choice shall be random, so that a scale-down does not always hit the newest zone.
func LowestRanked(pods []*v1.Pod, perNode map[string]int, n int, now time.Time) []*v1.Pod {
	if n >= len(pods) {
		return pods
	}
	keys := make([]rankKey, len(pods))
	for i, p := range pods {
		keys[i] = rank(p, perNode, now)
	}
	slices.SortFunc(keys, rankKey.compare)
	out := make([]*v1.Pod, n)
	for i := range out {
		out[i] = keys[i].pod
	}
	return out
}

// rankKey holds the criteria of one pod as numbers, smaller first.
type rankKey struct {
	pod      *v1.Pod
	criteria [8]int64
}

func (a rankKey) compare(b rankKey) int {
	if c := slices.Compare(a.criteria[:], b.criteria[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.pod.UID, b.pod.UID)
}

var phaseOrder = map[v1.PodPhase]int64{v1.PodPending: 0, v1.PodUnknown: 1, v1.PodRunning: 2}

func rank(p *v1.Pod, perNode map[string]int, now time.Time) rankKey {
	k := rankKey{pod: p}
	if p.Spec.NodeName != "" {
		k.criteria[0] = 1
	}
	k.criteria[1] = phaseOrder[p.Status.Phase]
	ready := podstate.Condition(p, v1.PodReady)
	if ready != nil && ready.Status == v1.ConditionTrue {
		k.criteria[2] = 1
		k.criteria[5] = ageBucket(now, ready.LastTransitionTime.Time)
	}
	k.criteria[3] = deletionCost(p)
	k.criteria[4] = -int64(perNode[p.Spec.NodeName])
	k.criteria[6] = -int64(restarts(p))
	k.criteria[7] = ageBucket(now, p.CreationTimestamp.Time)
	return k
}

// ageBucket is the logarithm of the age, so that younger is smaller; an unknown time counts as just now.
func ageBucket(now, t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	age := now.Sub(t)
	if age <= 0 {
		return 0
	}
	return int64(math.Log2(float64(age)))
}

func deletionCost(p *v1.Pod) int64 {
	cost, err := strconv.ParseInt(p.Annotations["controller.kubernetes.io/pod-deletion-cost"], 10, 32)
	if err != nil {
		return 0 // absent; the API server refuses what is no number
	}
	return cost
}

// restarts is the restart count of the container or running sidecar that restarted most.
func restarts(p *v1.Pod) int32 {
	var most int32
	for i := range p.Status.ContainerStatuses {
		most = max(most, p.Status.ContainerStatuses[i].RestartCount)
	}
	for i := range p.Status.InitContainerStatuses {
		s := &p.Status.InitContainerStatuses[i]
		if s.State.Running != nil { // a sidecar
			most = max(most, s.RestartCount)
		}
	}
	return most
}
