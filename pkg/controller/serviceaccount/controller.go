package serviceaccount

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// DefaultName is the service account of pods that name none.
const DefaultName = "default"

// Config of the controller.
type Config struct {
	Client          kubernetes.Interface
	Namespaces      coreinformers.NamespaceInformer
	ServiceAccounts coreinformers.ServiceAccountInformer
	Workers         int
	Metrics         workqueue.MetricsProvider
}

// Controller creates the default service accounts.
type Controller struct {
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	accounts   corelisters.ServiceAccountLister
	queue      *worker.Queue[string]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Namespaces == nil || cfg.ServiceAccounts == nil {
		return nil, errors.New("serviceaccount controller: Client, Namespaces and ServiceAccounts are required")
	}
	c := &Controller{client: cfg.Client, namespaces: cfg.Namespaces.Lister(), accounts: cfg.ServiceAccounts.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[string]{Name: "serviceaccount", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	err = worker.Watch(c.queue, cfg.Namespaces.Informer(), worker.Handler[*v1.Namespace]{
		Add:    func(ns *v1.Namespace) { c.queue.Enqueue(ns.Name) },
		Update: func(_, ns *v1.Namespace) { c.queue.Enqueue(ns.Name) },
	})
	if err != nil {
		return nil, err
	}
	return c, worker.Watch(c.queue, cfg.ServiceAccounts.Informer(), worker.Handler[*v1.ServiceAccount]{
		Delete: func(sa *v1.ServiceAccount) {
			if sa.Name == DefaultName {
				c.queue.Enqueue(sa.Namespace)
			}
		},
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync creates the account of one namespace if it is missing.
func (c *Controller) Sync(ctx context.Context, namespace string) error {
	ns, err := c.namespaces.Get(namespace)
	if apierrors.IsNotFound(err) || err == nil && ns.Status.Phase != v1.NamespaceActive {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := c.accounts.ServiceAccounts(namespace).Get(DefaultName); err == nil {
		return nil
	}
	_, err = c.client.CoreV1().ServiceAccounts(namespace).Create(ctx, &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: DefaultName}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) && !podcontrol.IsTerminating(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("creating service account %s: %w", DefaultName, err)
	}
	return nil
}
