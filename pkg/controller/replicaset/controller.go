package replicaset

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	// Name of the queue: "replicaset" or "replicationmanager".
	Name    string
	Kind    Kind
	Client  kubernetes.Interface
	Pods    cache.SharedIndexInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// BurstReplicas bounds the pods created or deleted in one sync, so that one huge set does not hold a worker for long.
const BurstReplicas = 500

// Controller keeps sets of one kind at their number of replicas.
type Controller struct {
	kind    Kind
	queue   *worker.Queue[worker.Key]
	pods    podcontrol.Pods
	control podcontrol.Control
	expect  *podcontrol.Expectations[worker.Key]
	clock   clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Events == nil || cfg.Kind.Get == nil {
		return nil, errors.New("replicaset controller: Kind, Client, Pods and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{kind: cfg.Kind, clock: cfg.Clock, control: podcontrol.Control{Client: cfg.Client, Events: cfg.Events}}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods); err != nil {
		return nil, err
	}
	c.expect = podcontrol.NewExpectations[worker.Key](c.pods.Store(), cfg.Clock)
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: cfg.Name, Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	if err := c.kind.Watch(c.queue); err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: c.kind.GVK.Kind, UIDOf: c.uidOf, Adopters: c.adopters}
	return c, worker.Watch(c.queue, cfg.Pods, worker.Owned(c.queue, owners, c.podChanged))
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) uidOf(namespace, name string) (types.UID, bool) {
	set, err := c.kind.Get(namespace, name)
	if err != nil {
		return "", false
	}
	return set.Object.GetUID(), true
}

func (c *Controller) adopters(orphan metav1.Object) []worker.Key {
	sets, err := c.kind.List(orphan.GetNamespace())
	if err != nil {
		return nil
	}
	var keys []worker.Key
	for _, s := range sets {
		if !s.Selector.Empty() && s.Selector.Matches(labels.Set(orphan.GetLabels())) {
			keys = append(keys, worker.KeyOf(s.Object))
		}
	}
	return keys
}

// podChanged queues the set once more for the moment at which a pod that has just become ready counts as available: no event
// comes then.
func (c *Controller) podChanged(owner worker.Key, old, pod *v1.Pod) {
	if podstate.IsReady(old) || !podstate.IsReady(pod) {
		return
	}
	if set, err := c.kind.Get(owner.Namespace, owner.Name); err == nil && set.MinReadySeconds > 0 {
		c.queue.EnqueueAfter(owner, time.Duration(set.MinReadySeconds)*time.Second+time.Second)
	}
}
