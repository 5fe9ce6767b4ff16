package podworker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// In-place resize (KEP-1287): the spec is a wish. The node grants it as a whole or leaves it pending (Deferred: later
// perhaps; Infeasible: never here); a granted one is carried out container by container, while the pod says that a
// resize is in progress.

// allocate returns the pod as the node has promised to run it.
func (w *worker) allocate(pod *v1.Pod) *v1.Pod {
	if w.allocated == nil {
		if w.allocated = w.loadAllocation(); w.allocated == nil {
			w.allocated = allocationOf(pod) // as admitted
			if err := w.saveAllocation(w.allocated); err != nil {
				klog.Background().Error(err, "Writing down a pod's resources", "pod", klog.KObj(pod))
			}
		}
	}
	wish := allocationOf(pod)
	if w.allocated.equal(wish) {
		w.setPending(nil)
		return pod
	}
	w.m.admission.Lock()
	defer w.m.admission.Unlock()
	reason, message := "", ""
	if w.m.cfg.CheckResize != nil {
		reason, message = w.m.cfg.CheckResize(pod, w.m.active(w.uid))
	}
	if reason != "" {
		if w.pending == nil || w.pending.Reason != reason || w.pending.Message != message {
			w.event(pod, "", v1.EventTypeWarning, "Resize"+reason, message)
		}
		w.setPending(&v1.PodCondition{Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: reason, Message: message})
		return w.allocated.apply(pod)
	}
	if err := w.saveAllocation(wish); err != nil {
		w.setPending(&v1.PodCondition{Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: v1.PodReasonDeferred, Message: err.Error()})
		return w.allocated.apply(pod)
	}
	w.mu.Lock()
	w.allocated, w.pending, w.resizing, w.resizeError = wish, nil, true, ""
	w.mu.Unlock()
	w.event(pod, "", v1.EventTypeNormal, "ResizeStarted", "Pod resize started: "+resourcesText(pod))
	return pod
}

func (w *worker) setPending(c *v1.PodCondition) {
	w.mu.Lock()
	w.pending = c
	w.mu.Unlock()
}

// resourcesText is how an event shows what a resize asks for.
func resourcesText(pod *v1.Pod) string {
	type entry struct {
		Name      string                  `json:"name"`
		Resources v1.ResourceRequirements `json:"resources"`
	}
	var all struct {
		Containers []entry `json:"containers"`
		Generation int64   `json:"generation"`
	}
	for i := range pod.Spec.Containers {
		all.Containers = append(all.Containers, entry{pod.Spec.Containers[i].Name, pod.Spec.Containers[i].Resources})
	}
	all.Generation = pod.Generation
	data, _ := json.Marshal(all) // plain values cannot fail
	return string(data)
}

// resizeConditions are what the status says of a resize.
func (w *worker) resizeConditions() []v1.PodCondition {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []v1.PodCondition
	if w.pending != nil {
		all = append(all, *w.pending)
	}
	if w.resizing {
		c := v1.PodCondition{Type: v1.PodResizeInProgress, Status: v1.ConditionTrue}
		if w.resizeError != "" {
			c.Reason, c.Message = v1.PodReasonError, w.resizeError
		}
		all = append(all, c)
	}
	return all
}

// settled tells whether a running container has been given what is promised, as far as the runtime shows.
func (w *worker) settled(pod *v1.Pod, c *v1.Container) bool {
	o := w.m.cfg.Observer.Get(w.uid).Container(c.Name)
	if o == nil || !o.Running() || o.Resources == nil {
		return true
	}
	cpu, memory := plan.Differ(w.containerResources(pod, c), o.Resources)
	return !cpu && !memory
}

// applyResize sets the resources of running containers. The pod's own group is first made large enough for before and
// after, because the kernel lets no child have more than its parent.
func (w *worker) applyResize(ctx context.Context, pod *v1.Pod, ids []string) error {
	if err := w.m.cfg.Cgroups.GrowPod(ctx, pod); err != nil {
		return fmt.Errorf("growing the pod's cgroup: %w", err)
	}
	observed := w.m.cfg.Observer.Get(w.uid)
	var errs []error
	for _, id := range ids {
		o := observed.ByID(id)
		if o == nil {
			continue
		}
		c, _ := specOf(pod, o.Name)
		if c == nil {
			continue
		}
		r := w.containerResources(pod, c)
		if r.CpuQuota == 0 {
			r.CpuQuota = -1 // lifts a limit that there was
		}
		r.OomScoreAdj = oomOf(o, r.OomScoreAdj)
		if err := w.m.cfg.Runtime.UpdateContainerResources(context.WithoutCancel(ctx), id, &runtimeapi.ContainerResources{Linux: r}); err != nil {
			errs = append(errs, fmt.Errorf("resizing container %s: %w", o.Name, err))
		}
	}
	if _, err := w.m.cfg.Observer.Refresh(context.WithoutCancel(ctx), w.uid); err != nil {
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	w.mu.Lock()
	w.resizing, w.resizeError = true, ""
	if err != nil {
		w.resizeError = err.Error()
	}
	w.mu.Unlock()
	return err
}

// oomOf keeps the score the container was born with: it cannot be changed while it runs.
func oomOf(o *observe.Container, otherwise int64) int64 {
	if o.Resources != nil && o.Resources.OomScoreAdj != 0 {
		return o.Resources.OomScoreAdj
	}
	return otherwise
}

// finishResize ends a resize once every running container has what was promised.
func (w *worker) finishResize(ctx context.Context, pod *v1.Pod) error {
	w.mu.Lock()
	resizing := w.resizing
	w.mu.Unlock()
	if !resizing {
		return nil
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if o := w.m.cfg.Observer.Get(w.uid).Container(c.Name); o == nil || !o.Running() || !w.settled(pod, c) {
			return nil
		}
	}
	if err := w.m.cfg.Cgroups.UpdatePod(ctx, pod); err != nil {
		return fmt.Errorf("fitting the pod's cgroup: %w", err)
	}
	w.mu.Lock()
	w.resizing, w.resizeError = false, ""
	w.mu.Unlock()
	w.event(pod, "", v1.EventTypeNormal, "ResizeCompleted", "Pod resize completed: "+resourcesText(pod))
	w.m.cfg.PodsChanged()
	w.poke()
	return nil
}
