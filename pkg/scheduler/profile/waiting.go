package profile

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
)

// Waiting are the pods held at Permit and those in PreBind; it is shared by all profiles because preemption in one may
// evict a pod of another.
type Waiting struct {
	mu      sync.RWMutex
	pods    map[types.UID]*waitingPod
	preBind map[types.UID]*preBindPod
}

// NewWaiting makes an empty set.
func NewWaiting() *Waiting {
	return &Waiting{pods: map[types.UID]*waitingPod{}, preBind: map[types.UID]*preBindPod{}}
}

type waitingPod struct {
	pod    *v1.Pod
	result chan *fwk.Status

	mu      sync.Mutex
	pending map[string]clock.Timer
	done    bool
}

var _ fwk.WaitingPod = &waitingPod{}

// add holds the pod for the given plugins, each of which rejects it when its time is over.
func (w *Waiting) add(pod *v1.Pod, waits map[string]time.Duration, clk clock.WithDelayedExecution) *waitingPod {
	held := &waitingPod{pod: pod, result: make(chan *fwk.Status, 1), pending: map[string]clock.Timer{}}
	held.mu.Lock()
	for plugin, timeout := range waits {
		held.pending[plugin] = clk.AfterFunc(timeout, func() {
			held.Reject(plugin, fmt.Sprintf("rejected due to timeout after waiting %v at plugin %v", timeout, plugin))
		})
	}
	held.mu.Unlock()
	w.mu.Lock()
	w.pods[pod.UID] = held
	w.mu.Unlock()
	return held
}

func (w *Waiting) get(uid types.UID) *waitingPod {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.pods[uid]
}

func (w *Waiting) remove(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pods, uid)
}

func (w *Waiting) each(visit func(fwk.WaitingPod)) {
	w.mu.RLock()
	held := make([]*waitingPod, 0, len(w.pods))
	for _, pod := range w.pods {
		held = append(held, pod)
	}
	w.mu.RUnlock()
	for _, pod := range held {
		visit(pod)
	}
}

func (p *waitingPod) GetPod() *v1.Pod { return p.pod }

func (p *waitingPod) GetPendingPlugins() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, 0, len(p.pending))
	for plugin := range p.pending {
		out = append(out, plugin)
	}
	return out
}

func (p *waitingPod) Allow(plugin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	timer, ok := p.pending[plugin]
	if !ok {
		return
	}
	timer.Stop()
	delete(p.pending, plugin)
	if len(p.pending) == 0 {
		p.finish(nil)
	}
}

func (p *waitingPod) Reject(plugin, message string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finish(fwk.NewStatus(fwk.Unschedulable, message).WithPlugin(plugin))
}

func (p *waitingPod) Preempt(plugin, message string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finish(fwk.NewStatus(fwk.Error, message).WithPlugin(plugin))
}

// finish delivers the first verdict only.
func (p *waitingPod) finish(status *fwk.Status) bool {
	if p.done {
		return false
	}
	p.done = true
	for _, timer := range p.pending {
		timer.Stop()
	}
	p.result <- status
	return true
}

type preBindPod struct {
	mu      sync.Mutex
	cancel  context.CancelCauseFunc
	gone    bool
	settled bool
}

var _ fwk.PodInPreBind = &preBindPod{}

func (p *preBindPod) CancelPod(reason string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled || p.gone {
		return p.gone
	}
	p.gone = true
	p.cancel(fmt.Errorf("%s", reason))
	return true
}

func (p *preBindPod) MarkPrebound() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	p.settled = true
	return true
}
