package podstatus

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Config of a Reporter.
type Config struct {
	// Client may be nil: then nothing is reported.
	Client kubernetes.Interface
	// Mirror returns the pod in the API that stands for pod: itself, or the mirror of a static pod, or nil when there
	// is none yet.
	Mirror func(pod *v1.Pod) *v1.Pod
	// Parallel bounds simultaneous requests; 0 means 32.
	Parallel int
	Clock    clock.Clock
}

// Reporter sends statuses.
type Reporter struct {
	cfg   Config
	slots chan struct{}

	mu   sync.Mutex
	ctx  context.Context
	wg   sync.WaitGroup
	pods map[types.UID]*entry
}

// entry is one pod's outgoing status.
type entry struct {
	pod     *v1.Pod // latest from the API (or the static pod)
	want    v1.PodStatus
	dirty   bool
	delete  bool
	sending bool
	// known is the API's object after our last patch.
	known  *v1.Pod
	failed int
}

// New builds a Reporter.
func New(cfg Config) (*Reporter, error) {
	if cfg.Mirror == nil {
		cfg.Mirror = func(p *v1.Pod) *v1.Pod { return p }
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 32
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Reporter{cfg: cfg, slots: make(chan struct{}, cfg.Parallel), pods: map[types.UID]*entry{}}, nil
}

// Run sends until ctx ends, and waits for the requests under way.
func (r *Reporter) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.ctx != nil {
		r.mu.Unlock()
		return fmt.Errorf("pod status reporter: already running")
	}
	r.ctx = ctx
	for uid, e := range r.pods {
		r.kick(uid, e)
	}
	r.mu.Unlock()
	<-ctx.Done()
	r.wg.Wait()
	return nil
}

// Set wants the status to be in the API. pod is the latest seen there.
func (r *Reporter) Set(pod *v1.Pod, status v1.PodStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.pods[pod.UID]
	if e == nil {
		e = &entry{}
		r.pods[pod.UID] = e
	}
	e.pod, e.want, e.dirty = pod, status, true
	r.kick(pod.UID, e)
}

// Delete wants the pod removed from the API, after its last status.
func (r *Reporter) Delete(pod *v1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.pods[pod.UID]
	if e == nil {
		e = &entry{pod: pod}
		r.pods[pod.UID] = e
	}
	if e.delete {
		return
	}
	e.delete = true
	r.kick(pod.UID, e)
}

// Forget drops what is known of a pod that is gone.
func (r *Reporter) Forget(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pods, uid)
}

// Again sends the pod's status once more: its mirror pod has appeared or was replaced.
func (r *Reporter) Again(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.pods[uid]; e != nil {
		e.dirty = true
		r.kick(uid, e)
	}
}

// kick must be called with the lock held.
func (r *Reporter) kick(uid types.UID, e *entry) {
	if r.ctx == nil || r.ctx.Err() != nil || e.sending || r.cfg.Client == nil {
		return
	}
	e.sending = true
	r.wg.Go(func() { r.send(uid, e) })
}

// send brings one pod up to date, then ends.
func (r *Reporter) send(uid types.UID, e *entry) {
	for {
		r.mu.Lock()
		if r.ctx.Err() != nil || r.pods[uid] != e || !e.dirty && !e.delete {
			e.sending = false
			r.mu.Unlock()
			return
		}
		pod, want, known, remove := e.pod, e.want, e.known, e.delete && !e.dirty
		e.dirty = false
		r.mu.Unlock()

		r.slots <- struct{}{}
		var err error
		if remove {
			err = r.remove(pod)
		} else {
			known, err = r.patch(pod, known, want)
		}
		<-r.slots

		r.mu.Lock()
		if err == nil {
			e.known, e.failed = known, 0
			if remove {
				e.sending = false // stays marked: a second deletion is not sent
				r.mu.Unlock()
				return
			}
			r.mu.Unlock()
			continue
		}
		e.failed++
		e.dirty = e.dirty || !remove
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			// The pod is gone, or another has taken its name: nobody is left to tell.
			e.dirty, e.delete, e.sending = false, false, false
			r.mu.Unlock()
			return
		}
		wait := min(100*time.Millisecond<<min(e.failed, 10), 10*time.Second)
		ctx := r.ctx
		r.mu.Unlock()
		klog.FromContext(ctx).V(1).Info("Reporting pod status; trying again", "pod", klog.KObj(pod), "err", err)
		select {
		case <-ctx.Done():
		case <-r.cfg.Clock.After(wait):
		}
	}
}

func (r *Reporter) patch(pod *v1.Pod, known *v1.Pod, want v1.PodStatus) (*v1.Pod, error) {
	target := r.cfg.Mirror(pod)
	if target == nil {
		return known, nil
	}
	base := newer(target, known)
	body, changed, err := patchBody(base, want)
	if err != nil || !changed {
		return base, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	got, err := r.cfg.Client.CoreV1().Pods(target.Namespace).Patch(ctx, target.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil {
		return known, fmt.Errorf("patching status of pod %s/%s: %w", target.Namespace, target.Name, err)
	}
	return got, nil
}

func (r *Reporter) remove(pod *v1.Pod) error {
	target := r.cfg.Mirror(pod)
	if target == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	zero, uid := int64(0), target.UID
	err := r.cfg.Client.CoreV1().Pods(target.Namespace).Delete(ctx, target.Name,
		metav1.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil {
		return fmt.Errorf("deleting pod %s/%s: %w", target.Namespace, target.Name, err)
	}
	return nil
}
