package daemonset

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// world is what a decision needs.
type world struct {
	ds     *appsv1.DaemonSet
	nodes  []*v1.Node
	places map[string]placement
	byNode map[string][]*v1.Pod
	hash   string // of the current template
	now    metav1.Time
}

// plan is what to do.
type plan struct {
	create []string // nodes
	delete []*v1.Pod
	failed []*v1.Pod // among delete: those that ended with an error
}

// decide makes every node have the pod it should have, and then goes on with a rolling update.
func (w *world) decide() plan {
	var p plan
	for _, n := range w.nodes {
		w.decideNode(n.Name, &p)
	}
	for node, pods := range w.byNode {
		if _, known := w.places[node]; !known && node != "" {
			p.delete = append(p.delete, live(pods)...) // the node is gone; a pod that was never bound would wait for ever
		}
	}
	if w.ds.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		w.roll(&p)
	}
	return p
}

func (w *world) decideNode(node string, p *plan) {
	pods, at := w.byNode[node], w.places[node]
	switch {
	case at.run && len(pods) == 0:
		p.create = append(p.create, node)
	case !at.stay:
		p.delete = append(p.delete, live(pods)...)
	case at.stay:
		var running []*v1.Pod
		for _, pod := range pods {
			switch {
			case pod.DeletionTimestamp != nil:
			case pod.Status.Phase == v1.PodFailed:
				p.delete, p.failed = append(p.delete, pod), append(p.failed, pod)
			case pod.Status.Phase == v1.PodSucceeded:
				p.delete = append(p.delete, pod)
			default:
				running = append(running, pod)
			}
		}
		p.delete = append(p.delete, w.superfluous(running)...)
	}
}

// superfluous picks all but one of the pods of a node; during a surge an old and a new one may run side by side until the new
// one is available.
func (w *world) superfluous(pods []*v1.Pod) []*v1.Pod {
	var current, old []*v1.Pod
	for _, p := range pods {
		if w.isCurrent(p) {
			current = append(current, p)
		} else {
			old = append(old, p)
		}
	}
	oldest := func(a, b *v1.Pod) int {
		return cmp.Or(boolOrder(podstate.IsReady(b), podstate.IsReady(a)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(current, oldest)
	slices.SortFunc(old, oldest)
	if w.surge() > 0 && len(current) > 0 && len(old) > 0 {
		out := append(slices.Clone(old[1:]), current[1:]...)
		if podstate.IsAvailable(current[0], w.ds.Spec.MinReadySeconds, w.now) || !podstate.IsReady(old[0]) {
			out = append(out, old[0])
		}
		return out
	}
	all := slices.Clone(pods)
	slices.SortFunc(all, oldest)
	if len(all) <= 1 {
		return nil
	}
	return all[1:]
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// roll replaces pods of old templates. Without surge an old pod is deleted when few enough nodes are without an available pod;
// with surge a new pod is created beside it.
func (w *world) roll(p *plan) {
	unavailable, surging := 0, 0
	var ready, broken []*v1.Pod
	for _, n := range w.nodes {
		if !w.places[n.Name].run {
			continue
		}
		var current, old *v1.Pod
		available := false
		for _, pod := range live(w.byNode[n.Name]) {
			if slices.Contains(p.delete, pod) {
				continue
			}
			available = available || podstate.IsAvailable(pod, w.ds.Spec.MinReadySeconds, w.now)
			if w.isCurrent(pod) {
				current = pod
			} else {
				old = pod
			}
		}
		if !available {
			unavailable++
		}
		switch {
		case current != nil && old != nil:
			surging++
		case old == nil:
		case available:
			ready = append(ready, old)
		default:
			broken = append(broken, old)
		}
	}
	if surge := w.surge(); surge > 0 {
		for _, old := range slices.Concat(broken, ready) {
			if surging >= surge {
				return
			}
			surging++
			p.create = append(p.create, nodeOf(old))
		}
		return
	}
	p.delete = append(p.delete, broken...) // they are unavailable already
	if n := w.unavailable() - unavailable; n > 0 {
		p.delete = append(p.delete, ready[:min(n, len(ready))]...)
	}
}

func (w *world) isCurrent(p *v1.Pod) bool {
	return w.hash != "" && p.Labels[appsv1.ControllerRevisionHashLabelKey] == w.hash
}

func (w *world) desired() int {
	n := 0
	for _, at := range w.places {
		if at.run {
			n++
		}
	}
	return n
}

func (w *world) surge() int {
	if r := w.ds.Spec.UpdateStrategy.RollingUpdate; r != nil && w.ds.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		n, _ := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(r.MaxSurge, intstr.FromInt32(0)), w.desired(), true)
		return n
	}
	return 0
}

func (w *world) unavailable() int {
	n := 1
	if r := w.ds.Spec.UpdateStrategy.RollingUpdate; r != nil {
		n, _ = intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(r.MaxUnavailable, intstr.FromInt32(1)), w.desired(), true)
	}
	if n == 0 && w.surge() == 0 {
		n = 1 // else no update could take a step
	}
	return n
}

func live(pods []*v1.Pod) []*v1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p *v1.Pod) bool { return p.DeletionTimestamp != nil })
}
