package nodettl

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Nodes   coreinformers.NodeInformer
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller annotates nodes.
type Controller struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	queue  *worker.Queue[worker.Key]

	mu    sync.Mutex
	count int
	step  int
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Nodes == nil {
		return nil, errors.New("ttl controller: Client and Nodes are required")
	}
	c := &Controller{client: cfg.Client, nodes: cfg.Nodes.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "ttlcontroller", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	return c, worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
		Add: func(n *v1.Node) { c.counted(1); c.queue.Enqueue(worker.KeyOf(n)) },
		Update: func(_, n *v1.Node) {
			// Heartbeats change nodes often; only a wrong value is work.
			if n.Annotations[v1.ObjectTTLAnnotationKey] != strconv.Itoa(c.seconds()) {
				c.queue.Enqueue(worker.KeyOf(n))
			}
		},
		Delete: func(*v1.Node) { c.counted(-1) },
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync annotates one node.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	n, err := c.nodes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	want := strconv.Itoa(c.seconds())
	if n.Annotations[v1.ObjectTTLAnnotationKey] == want {
		return nil
	}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1.ObjectTTLAnnotationKey, want)
	if _, err := c.client.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("annotating the node: %w", err)
	}
	return nil
}

func (c *Controller) seconds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return steps[c.step].seconds
}

// counted moves the number of nodes; when that changes the value, all nodes are told.
func (c *Controller) counted(by int) {
	c.mu.Lock()
	c.count += by
	was := c.step
	c.step = next(was, c.count)
	changed := was != c.step
	c.mu.Unlock()
	if !changed {
		return
	}
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return // a cache that lists everything has no errors
	}
	for _, n := range nodes {
		c.queue.Enqueue(worker.KeyOf(n))
	}
}

// steps overlap, so that a cluster at a border does not change its mind with every node.
var steps = []struct{ from, to, seconds int }{
	{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, int(^uint(0) >> 1), 300},
}

func next(step, nodes int) int {
	for nodes > steps[step].to {
		step++
	}
	for nodes < steps[step].from {
		step--
	}
	return step
}
