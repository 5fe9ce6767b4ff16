package serviceaccounttoken

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	// Client needs rights over all secrets; a service account of its own would need a token first.
	Client          kubernetes.Interface
	ServiceAccounts coreinformers.ServiceAccountInformer
	Signer          *Signer
	// RootCA goes into each secret; empty: none does.
	RootCA  []byte
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller keeps secrets with tokens.
type Controller struct {
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
	secrets  cache.SharedIndexInformer
	signer   *Signer
	rootCA   []byte
	filling  *worker.Queue[worker.Key]
	cleaning *worker.Queue[reference]
}

// reference is a secret that an account may still list.
type reference struct{ account, secret worker.Key }

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.ServiceAccounts == nil || cfg.Signer == nil {
		return nil, errors.New("service account tokens: Client, ServiceAccounts and Signer are required")
	}
	c := &Controller{client: cfg.Client, accounts: cfg.ServiceAccounts.Lister(), signer: cfg.Signer, rootCA: cfg.RootCA}
	c.secrets = coreinformers.NewFilteredSecretInformer(cfg.Client, metav1.NamespaceAll, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
		func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("type", string(v1.SecretTypeServiceAccountToken)).String()
		})
	var err error
	if c.filling, err = worker.New(worker.Config[worker.Key]{Name: "serviceaccount_tokens_secret", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	if c.cleaning, err = worker.New(worker.Config[reference]{Name: "serviceaccount_tokens_service", Workers: 1, Sync: c.unlist, Metrics: cfg.Metrics, MaxRetries: 10}); err != nil {
		return nil, err
	}
	secrets := worker.Self[*v1.Secret](c.filling)
	secrets.Delete = func(s *v1.Secret) {
		if name := s.Annotations[v1.ServiceAccountNameKey]; name != "" {
			c.cleaning.Enqueue(reference{account: worker.Key{Namespace: s.Namespace, Name: name}, secret: worker.KeyOf(s)})
		}
	}
	return c, errors.Join(
		worker.Watch(c.filling, c.secrets, secrets),
		worker.Watch(c.filling, cfg.ServiceAccounts.Informer(), worker.Handler[*v1.ServiceAccount]{Add: c.enqueueSecrets, Delete: c.enqueueSecrets}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { c.secrets.RunWithContext(ctx); return nil })
	g.Go(func() error { return c.filling.Run(ctx) })
	g.Go(func() error { return c.cleaning.Run(ctx) })
	return g.Wait()
}

// enqueueSecrets: an account that comes is waited for by its secrets, one that goes takes them along.
func (c *Controller) enqueueSecrets(sa *v1.ServiceAccount) {
	items, err := c.secrets.GetIndexer().ByIndex(cache.NamespaceIndex, sa.Namespace)
	if err != nil {
		return // the index is made in New
	}
	for _, i := range items {
		if s, ok := i.(*v1.Secret); ok && s.Annotations[v1.ServiceAccountNameKey] == sa.Name {
			c.filling.Enqueue(worker.KeyOf(s))
		}
	}
}
