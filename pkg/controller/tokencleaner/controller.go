package tokencleaner

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/util/secrets"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller deletes expired tokens.
type Controller struct {
	client kubernetes.Interface
	clock  clock.Clock
	tokens cache.SharedIndexInformer
	queue  *worker.Queue[worker.Key]
}

// New builds the controller. It watches only bootstrap tokens.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil {
		return nil, errors.New("token cleaner: Client is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, clock: cfg.Clock}
	c.tokens = coreinformers.NewFilteredSecretInformer(cfg.Client, metav1.NamespaceSystem, 0, cache.Indexers{}, func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("type", string(bootstrapapi.SecretTypeBootstrapToken)).String()
	})
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "token_cleaner", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	h := worker.Self[*v1.Secret](c.queue)
	h.Delete = nil
	return c, worker.Watch(c.queue, c.tokens, h)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { c.tokens.RunWithContext(ctx); return nil })
	g.Go(func() error { return c.queue.Run(ctx) })
	return g.Wait()
}

// Sync deletes one token if it has expired, or waits for that.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	item, exists, err := c.tokens.GetIndexer().GetByKey(key.String())
	if err != nil || !exists {
		return err
	}
	s, ok := item.(*v1.Secret)
	if !ok {
		return nil
	}
	left, expired := secrets.GetExpiration(s, c.clock.Now())
	switch {
	case expired:
		err := c.client.CoreV1().Secrets(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting an expired token: %w", err)
		}
	case left > 0:
		c.queue.EnqueueAfter(key, left)
	}
	return nil
}
