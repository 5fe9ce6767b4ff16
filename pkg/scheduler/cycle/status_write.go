package cycle

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
)

// StatusWriter writes conditions and nominations of pods in the background. For each pod the newest wish is written, at most
// one call at a time, so wishes overtaken before they were written cost nothing and never land out of order.
type StatusWriter struct {
	client clientset.Interface
	clock  clock.PassiveClock
	logger klog.Logger

	mu      sync.Mutex
	wanted  map[types.UID]*statusWish
	order   []types.UID
	busy    map[types.UID]bool
	running int
	closed  bool
	done    sync.WaitGroup
}

// maxStatusWriters bounds the calls under way.
const maxStatusWriters = 16

type statusWish struct {
	pod        *v1.Pod
	condition  *v1.PodCondition
	nominating *fwk.NominatingInfo
}

// NewStatusWriter makes a writer; it starts goroutines only while there is something to write.
func NewStatusWriter(client clientset.Interface, clk clock.PassiveClock, logger klog.Logger) *StatusWriter {
	return &StatusWriter{client: client, clock: clk, logger: logger, wanted: map[types.UID]*statusWish{}, busy: map[types.UID]bool{}}
}

// Write notes a wish. A nil condition or nomination leaves that part as it is.
func (w *StatusWriter) Write(pod *v1.Pod, condition *v1.PodCondition, nominating *fwk.NominatingInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	wish, ok := w.wanted[pod.UID]
	if !ok {
		wish = &statusWish{}
		w.wanted[pod.UID] = wish
		w.order = append(w.order, pod.UID)
	}
	wish.pod = pod
	if condition != nil {
		wish.condition = condition
	}
	if nominating.Mode() == fwk.ModeOverride {
		wish.nominating = nominating
	}
	if w.running < maxStatusWriters {
		w.running++
		w.done.Go(w.work)
	}
}

// Close waits for calls under way and takes no more wishes.
func (w *StatusWriter) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.done.Wait()
}

func (w *StatusWriter) work() {
	for {
		w.mu.Lock()
		wish := w.next()
		if wish == nil {
			w.running--
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		if err := w.send(wish); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			w.logger.Error(err, "Writing the status of a pod", "pod", klog.KObj(wish.pod))
		}
		w.mu.Lock()
		delete(w.busy, wish.pod.UID)
		w.mu.Unlock()
	}
}

// next takes the first wish whose pod has no call under way.
func (w *StatusWriter) next() *statusWish {
	for i, uid := range w.order {
		if w.busy[uid] {
			continue
		}
		w.order = append(w.order[:i], w.order[i+1:]...)
		wish := w.wanted[uid]
		delete(w.wanted, uid)
		w.busy[uid] = true
		return wish
	}
	return nil
}

func (w *StatusWriter) send(wish *statusWish) error {
	patch, err := StatusPatch(wish.pod, wish.condition, wish.nominating, metav1.NewTime(w.clock.Now()))
	if err != nil || patch == nil {
		return err
	}
	// Not cancelled with the scheduler: a decision made should be seen.
	_, err = w.client.CoreV1().Pods(wish.pod.Namespace).Patch(context.Background(), wish.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("patching status of pod %s/%s: %w", wish.pod.Namespace, wish.pod.Name, err)
	}
	return nil
}

// StatusPatch is the strategic merge patch that makes the wish true, nil when it already is. The UID in it keeps it from
// hitting a later pod of the same name.
func StatusPatch(pod *v1.Pod, condition *v1.PodCondition, nominating *fwk.NominatingInfo, now metav1.Time) ([]byte, error) {
	status := map[string]any{}
	if condition != nil {
		want := *condition
		want.LastTransitionTime = now
		same := false
		for i := range pod.Status.Conditions {
			have := &pod.Status.Conditions[i]
			if have.Type != want.Type {
				continue
			}
			if have.Status == want.Status {
				want.LastTransitionTime = have.LastTransitionTime
			}
			same = have.Status == want.Status && have.Reason == want.Reason && have.Message == want.Message &&
				have.ObservedGeneration == want.ObservedGeneration
		}
		if !same {
			status["conditions"] = []v1.PodCondition{want}
		}
	}
	if nominating.Mode() == fwk.ModeOverride && nominating.NominatedNodeName != pod.Status.NominatedNodeName {
		if nominating.NominatedNodeName == "" {
			status["nominatedNodeName"] = nil
		} else {
			status["nominatedNodeName"] = nominating.NominatedNodeName
		}
	}
	if len(status) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
}
