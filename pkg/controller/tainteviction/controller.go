package tainteviction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Pods    coreinformers.PodInformer
	Nodes   coreinformers.NodeInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller evicts pods by taints.
type Controller struct {
	client kubernetes.Interface
	pods   corelisters.PodLister
	nodes  corelisters.NodeLister
	index  podcontrol.Pods
	events record.EventRecorder
	queue  *worker.Queue[worker.Key]
	clock  clock.Clock

	mu sync.Mutex
	// waits holds the pods that will have to go, so that a reprieve can be told.
	waits map[worker.Key]wait
}

// wait is since when a pod has been waiting.
type wait struct {
	uid   types.UID
	since time.Time
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Nodes == nil || cfg.Events == nil {
		return nil, errors.New("taint eviction: Client, Pods, Nodes and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, pods: cfg.Pods.Lister(), nodes: cfg.Nodes.Lister(), events: cfg.Events, clock: cfg.Clock,
		waits: map[worker.Key]wait{}}
	var err error
	if c.index, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "taint_eviction", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	node := func(n *v1.Node) {
		pods, err := c.index.On(n.Name)
		if err != nil {
			return // only without the index, which New has made
		}
		for _, p := range pods {
			c.queue.Enqueue(worker.KeyOf(p))
		}
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{
			Add: c.podAdded,
			Update: func(old, p *v1.Pod) {
				if old.Spec.NodeName != p.Spec.NodeName || len(old.Spec.Tolerations) != len(p.Spec.Tolerations) {
					c.podAdded(p)
				}
			},
			Delete: func(p *v1.Pod) { c.queue.Enqueue(worker.KeyOf(p)) },
		}),
		worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
			Add: func(n *v1.Node) {
				if len(noExecute(n)) > 0 {
					node(n)
				}
			},
			Update: func(old, n *v1.Node) {
				if !slices.EqualFunc(noExecute(old), noExecute(n), func(a, b v1.Taint) bool { return a.MatchTaint(&b) && a.Value == b.Value }) {
					node(n)
				}
			},
		}))
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) podAdded(p *v1.Pod) {
	if p.Spec.NodeName == "" {
		return
	}
	if n, err := c.nodes.Get(p.Spec.NodeName); err == nil && len(noExecute(n)) == 0 {
		return // the ordinary case
	}
	c.queue.Enqueue(worker.KeyOf(p))
}

func noExecute(n *v1.Node) []v1.Taint {
	var out []v1.Taint
	for _, t := range n.Spec.Taints {
		if t.Effect == v1.TaintEffectNoExecute {
			out = append(out, t)
		}
	}
	return out
}

// Sync evicts one pod, or sets the time at which it must be looked at again.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	p, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	if p.DeletionTimestamp != nil || p.Spec.NodeName == "" {
		c.forget(key)
		return nil
	}
	n, err := c.nodes.Get(p.Spec.NodeName)
	if apierrors.IsNotFound(err) {
		return nil // its arrival queues the pod
	}
	if err != nil {
		return err
	}
	now := c.clock.Now()
	since := c.firstSeen(key, p.UID, now)
	end, mustGo := deadline(p, noExecute(n), since)
	switch {
	case !mustGo:
		if c.forget(key) {
			c.events.Eventf(p, v1.EventTypeNormal, "TaintManagerEviction", "Cancelling deletion of Pod %s", key)
		}
		return nil
	case end.After(now):
		c.remember(key, p.UID, since)
		c.queue.EnqueueAfter(key, end.Sub(now))
		return nil
	}
	return c.evict(ctx, p)
}

func (c *Controller) firstSeen(key worker.Key, uid types.UID, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.waits[key]; ok && w.uid == uid {
		return w.since
	}
	return now
}

func (c *Controller) remember(key worker.Key, uid types.UID, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[key] = wait{uid, since}
}

// forget tells whether the pod was waiting.
func (c *Controller) forget(key worker.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waited := c.waits[key]
	delete(c.waits, key)
	return waited
}

func (c *Controller) evict(ctx context.Context, p *v1.Pod) error {
	c.events.Eventf(p, v1.EventTypeNormal, "TaintManagerEviction", "Marking for deletion Pod %s/%s", p.Namespace, p.Name)
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": p.UID},
		"status": map[string]any{"conditions": []v1.PodCondition{{
			Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: "DeletionByTaintManager",
			Message: "Taint manager: deleting due to NoExecute taint", LastTransitionTime: metav1.NewTime(c.clock.Now()), ObservedGeneration: p.Generation,
		}}},
	})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("marking the pod as disrupted: %w", err)
	}
	err = c.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting the pod: %w", err)
	}
	return nil
}
