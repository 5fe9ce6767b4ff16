package preemption

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"encoding/json"
)

// Executor evicts victims in the background.
type Executor struct {
	handle fwk.Handle
	plugin string
	logger klog.Logger

	mu   sync.Mutex
	busy map[types.UID]bool
}

// NewExecutor makes one for the plugin of that name.
func NewExecutor(handle fwk.Handle, plugin string, logger klog.Logger) *Executor {
	return &Executor{handle: handle, plugin: plugin, logger: logger, busy: map[types.UID]bool{}}
}

// Busy tells whether room is still being made for the pod.
func (e *Executor) Busy(uid types.UID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.busy[uid]
}

// Start evicts the candidate's victims for the pod. When all calls are made the pod is tried again.
func (e *Executor) Start(pod *v1.Pod, candidate *Candidate) {
	e.mu.Lock()
	e.busy[pod.UID] = true
	e.mu.Unlock()
	go func() {
		// Not cancelled with the scheduling cycle: half an eviction helps nobody.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := e.evictAll(ctx, pod, candidate)
		e.mu.Lock()
		delete(e.busy, pod.UID)
		e.mu.Unlock()
		if err != nil {
			e.logger.Error(err, "Preempting pods", "preemptor", klog.KObj(pod), "node", candidate.Node)
		}
		e.handle.Activate(e.logger, map[string]*v1.Pod{pod.Namespace + "/" + pod.Name: pod})
	}()
}

func (e *Executor) evictAll(ctx context.Context, pod *v1.Pod, candidate *Candidate) error {
	e.dropNominations(ctx, pod, candidate.Node)
	errs := make([]error, len(candidate.Victims))
	var wg sync.WaitGroup
	for i, victim := range candidate.Victims {
		wg.Go(func() { errs[i] = e.evict(ctx, pod, victim, candidate.Node) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// dropNominations takes the node back from less important pods it was promised to: they may fit elsewhere sooner.
func (e *Executor) dropNominations(ctx context.Context, pod *v1.Pod, node string) {
	for _, info := range e.handle.NominatedPodsForNode(node) {
		other := info.GetPod()
		if corev1helpers.PodPriority(other) >= corev1helpers.PodPriority(pod) {
			continue
		}
		e.handle.DeleteNominatedPodIfExists(other)
		if other.Status.NominatedNodeName == "" {
			continue
		}
		patch := fmt.Appendf(nil, `{"metadata":{"uid":%q},"status":{"nominatedNodeName":null}}`, other.UID)
		_, err := e.handle.ClientSet().CoreV1().Pods(other.Namespace).Patch(ctx, other.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil && !apierrors.IsNotFound(err) {
			e.logger.Error(err, "Clearing the nominated node of a pod", "pod", klog.KObj(other))
		}
	}
}

func (e *Executor) evict(ctx context.Context, pod, victim *v1.Pod, node string) error {
	// A pod not bound yet need not be deleted: it goes back to the queue.
	if waiting := e.handle.GetWaitingPod(victim.UID); waiting != nil && waiting.Preempt(e.plugin, "preempted") {
		return e.tell(pod, victim, node)
	}
	if binding := e.handle.GetPodInPreBind(victim.UID); binding != nil && binding.CancelPod(fmt.Sprintf("preempted by %s", e.plugin)) {
		return e.tell(pod, victim, node)
	}
	pods := e.handle.ClientSet().CoreV1().Pods(victim.Namespace)
	patch, err := disruptionPatch(pod, victim, metav1.Now())
	if err != nil {
		return err
	}
	if _, err := pods.Patch(ctx, victim.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("adding the DisruptionTarget condition to pod %s/%s: %w", victim.Namespace, victim.Name, err)
	}
	if err := pods.Delete(ctx, victim.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(victim.UID))}); err != nil {
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return fmt.Errorf("deleting victim %s/%s: %w", victim.Namespace, victim.Name, err)
	}
	return e.tell(pod, victim, node)
}

func (e *Executor) tell(pod, victim *v1.Pod, node string) error {
	e.logger.V(2).Info("Preemptor pod preempted victim pod", "preemptor", klog.KObj(pod), "victim", klog.KObj(victim), "node", node)
	e.handle.EventRecorder().Eventf(victim, pod, v1.EventTypeNormal, "Preempted", "Preempting", "Preempted by pod %v on node %v", pod.UID, node)
	return nil
}

// disruptionPatch tells the victim's owner why it goes.
func disruptionPatch(pod, victim *v1.Pod, now metav1.Time) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": victim.UID},
		"status": map[string]any{"conditions": []v1.PodCondition{{
			Type: v1.DisruptionTarget, ObservedGeneration: victim.Generation, Status: v1.ConditionTrue, Reason: v1.PodReasonPreemptionByScheduler,
			Message: fmt.Sprintf("%s: preempting to accommodate a higher priority pod", pod.Spec.SchedulerName), LastTransitionTime: now,
		}}},
	})
}
