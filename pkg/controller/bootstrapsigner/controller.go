package bootstrapsigner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

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
	"k8s.io/cluster-bootstrap/token/jws"
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

// Controller keeps the signatures.
type Controller struct {
	client kubernetes.Interface
	clock  clock.Clock
	maps   cache.SharedIndexInformer
	tokens cache.SharedIndexInformer
	queue  *worker.Queue[worker.Key]
}

var clusterInfo = worker.Key{Namespace: metav1.NamespacePublic, Name: bootstrapapi.ConfigMapClusterInfo}

// New builds the controller. It watches only the one ConfigMap and the bootstrap tokens.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil {
		return nil, errors.New("bootstrap signer: Client is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, clock: cfg.Clock}
	c.maps = coreinformers.NewFilteredConfigMapInformer(cfg.Client, metav1.NamespacePublic, 0, cache.Indexers{}, func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", bootstrapapi.ConfigMapClusterInfo).String()
	})
	c.tokens = coreinformers.NewFilteredSecretInformer(cfg.Client, metav1.NamespaceSystem, 0, cache.Indexers{}, func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("type", string(bootstrapapi.SecretTypeBootstrapToken)).String()
	})
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "bootstrap_signer_queue", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	any := func(*v1.Secret) { c.queue.Enqueue(clusterInfo) }
	return c, errors.Join(
		worker.Watch(c.queue, c.maps, worker.Self[*v1.ConfigMap](c.queue)),
		worker.Watch(c.queue, c.tokens, worker.Handler[*v1.Secret]{Add: any, Update: func(_, s *v1.Secret) { any(s) }, Delete: any}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { c.maps.RunWithContext(ctx); return nil })
	g.Go(func() error { c.tokens.RunWithContext(ctx); return nil })
	g.Go(func() error { return c.queue.Run(ctx) })
	return g.Wait()
}

// Sync signs the kubeconfig afresh.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	item, exists, err := c.maps.GetIndexer().GetByKey(key.String())
	if err != nil || !exists {
		return err
	}
	m, ok := item.(*v1.ConfigMap)
	if !ok {
		return nil
	}
	want := maps.Clone(m.Data)
	maps.DeleteFunc(want, func(name, _ string) bool { return strings.HasPrefix(name, bootstrapapi.JWSSignatureKeyPrefix) })
	content, ok := m.Data[bootstrapapi.KubeConfigKey]
	if !ok {
		return nil // nothing to sign
	}
	now := c.clock.Now()
	for _, i := range c.tokens.GetIndexer().List() {
		s, ok := i.(*v1.Secret)
		if !ok {
			continue
		}
		id, secret, ok := signing(s, now)
		if !ok {
			continue
		}
		if left, _ := secrets.GetExpiration(s, now); left > 0 {
			c.queue.EnqueueAfter(key, left+time.Second)
		}
		signature, err := jws.ComputeDetachedSignature(content, id, secret)
		if err != nil {
			return fmt.Errorf("signing with token %s: %w", id, err)
		}
		want[bootstrapapi.JWSSignatureKeyPrefix+id] = signature
	}
	if maps.Equal(want, m.Data) {
		return nil
	}
	m = m.DeepCopy()
	m.Data = want
	if _, err := c.client.CoreV1().ConfigMaps(m.Namespace).Update(ctx, m, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("storing the signatures: %w", err)
	}
	return nil
}

// signing returns the token in the secret if it may sign.
func signing(s *v1.Secret, now time.Time) (id, secret string, ok bool) {
	name, ok := secrets.ParseName(s.Name)
	id, secret = secrets.GetData(s, bootstrapapi.BootstrapTokenIDKey), secrets.GetData(s, bootstrapapi.BootstrapTokenSecretKey)
	return id, secret, ok && name == id && secret != "" && s.DeletionTimestamp == nil && !secrets.HasExpired(s, now) &&
		secrets.GetData(s, bootstrapapi.BootstrapTokenUsageSigningKey) == "true"
}
