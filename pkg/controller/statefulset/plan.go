package statefulset

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// world is what a decision needs.
type world struct {
	set             *appsv1.StatefulSet
	current, update string // names of revisions
	pods            map[int32]*v1.Pod
	now             metav1.Time
}

// plan is what to do now.
type plan struct {
	create []int32
	repair []*v1.Pod // give back lost identity labels
	delete []*v1.Pod
}

func (p plan) empty() bool { return len(p.create)+len(p.delete) == 0 }

// decide returns one step with ordered management, and every possible one with parallel management.
func (w *world) decide() plan {
	var p plan
	if !w.scaleUp(&p) || !w.scaleDown(&p) || !p.empty() && w.ordered() {
		return p
	}
	w.roll(&p)
	return p
}

func (w *world) ordered() bool { return w.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement }

func (w *world) ordinals() (from, to int32) { return first(w.set), first(w.set) + replicas(w.set) }

// scaleUp makes the pods of all ordinals exist, from the lowest. It returns false when later steps must wait.
func (w *world) scaleUp(p *plan) bool {
	from, to := w.ordinals()
	for i := from; i < to; i++ {
		pod := w.pods[i]
		switch {
		case pod == nil:
			p.create = append(p.create, i)
		case podstate.IsTerminal(pod) && pod.DeletionTimestamp == nil:
			p.delete = append(p.delete, pod) // it comes again under its name
		case pod.DeletionTimestamp == nil && !hasIdentity(pod):
			p.repair = append(p.repair, pod)
			fallthrough
		default:
			if !w.ordered() || w.healthy(pod) {
				continue
			}
			return false
		}
		if w.ordered() {
			return false
		}
	}
	return true
}

// scaleDown removes pods beyond the range, from the highest.
func (w *world) scaleDown(p *plan) bool {
	for _, pod := range w.condemned() {
		if pod.DeletionTimestamp != nil {
			if w.ordered() {
				return false
			}
			continue
		}
		// Pods below this one that are in trouble hold everything up; alone in trouble it may go, for it is the next anyway.
		if w.ordered() && !w.healthy(pod) && pod != w.lowestUnhealthy() {
			return false
		}
		p.delete = append(p.delete, pod)
		if w.ordered() {
			return false
		}
	}
	return true
}

func (w *world) lowestUnhealthy() *v1.Pod {
	var lowest *v1.Pod
	for _, pod := range w.pods {
		if pod != nil && !w.healthy(pod) && (lowest == nil || ordinalOf(w.set, pod.Name) < ordinalOf(w.set, lowest.Name)) {
			lowest = pod
		}
	}
	return lowest
}

func (w *world) condemned() []*v1.Pod {
	from, to := w.ordinals()
	var out []*v1.Pod
	for i, pod := range w.pods {
		if i < from || i >= to {
			out = append(out, pod)
		}
	}
	slices.SortFunc(out, func(a, b *v1.Pod) int { return cmp.Compare(ordinalOf(w.set, b.Name), ordinalOf(w.set, a.Name)) })
	return out
}

// roll deletes the highest pod that is not of the update revision; it comes again with it. It waits for each to be healthy.
func (w *world) roll(p *plan) {
	if w.set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || len(w.condemned()) > 0 && w.ordered() {
		return
	}
	from, to := w.ordinals()
	for i := to - 1; i >= max(from, from+w.partition()); i-- {
		pod := w.pods[i]
		switch {
		case pod == nil || slices.Contains(p.delete, pod):
			return
		case revisionOf(pod) != w.update && pod.DeletionTimestamp == nil:
			p.delete = append(p.delete, pod)
			return
		case !w.healthy(pod):
			return
		}
	}
}

func (w *world) partition() int32 {
	if r := w.set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return *r.Partition
	}
	return 0
}

// revisionFor is the revision that a new pod of the ordinal gets.
func (w *world) revisionFor(ordinal int32) string {
	if w.set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || w.current == w.update {
		return w.update
	}
	below := w.set.Status.CurrentReplicas
	if r := w.set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
		below = *r.Partition
	}
	if ordinal < first(w.set)+below {
		return w.current
	}
	return w.update
}

func (w *world) healthy(p *v1.Pod) bool {
	return p.DeletionTimestamp == nil && p.Status.Phase == v1.PodRunning && podstate.IsAvailable(p, w.set.Spec.MinReadySeconds, w.now)
}

// status counts the pods, and finishes an update that has reached all of them.
func (w *world) status() appsv1.StatefulSetStatus {
	s := appsv1.StatefulSetStatus{ObservedGeneration: w.set.Generation, CurrentRevision: w.current, UpdateRevision: w.update,
		CollisionCount: w.set.Status.CollisionCount, Conditions: w.set.Status.Conditions}
	for _, p := range w.pods {
		if podstate.IsTerminal(p) {
			continue
		}
		s.Replicas++
		if p.Status.Phase == v1.PodRunning && podstate.IsReady(p) {
			s.ReadyReplicas++
			if podstate.IsAvailable(p, w.set.Spec.MinReadySeconds, w.now) {
				s.AvailableReplicas++
			}
		}
		if p.DeletionTimestamp != nil {
			continue
		}
		if revisionOf(p) == w.current {
			s.CurrentReplicas++
		}
		if revisionOf(p) == w.update {
			s.UpdatedReplicas++
		}
	}
	if w.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && w.current != w.update &&
		s.UpdatedReplicas == s.Replicas && s.ReadyReplicas == s.Replicas && s.Replicas == replicas(w.set) {
		s.CurrentRevision, s.CurrentReplicas = s.UpdateRevision, s.UpdatedReplicas
	}
	return s
}
