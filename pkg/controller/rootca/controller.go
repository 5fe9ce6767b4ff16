package rootca

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

const (
	// ConfigMapName is where pods find the certificate.
	ConfigMapName = "kube-root-ca.crt"
	dataKey       = "ca.crt"
	annotation    = "kubernetes.io/description"
	description   = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal " +
		"service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)

// Config of the controller.
type Config struct {
	Client kubernetes.Interface
	// Watcher watches ConfigMaps, which the service account of this controller may not. Client if nil.
	Watcher    kubernetes.Interface
	Namespaces coreinformers.NamespaceInformer
	// RootCA is the certificate bundle, as PEM.
	RootCA  []byte
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller publishes the certificate.
type Controller struct {
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	configMaps corelisters.ConfigMapLister
	informer   cache.SharedIndexInformer
	rootCA     string
	queue      *worker.Queue[string]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Namespaces == nil || len(cfg.RootCA) == 0 {
		return nil, errors.New("root CA publisher: Client, Namespaces and RootCA are required")
	}
	if cfg.Watcher == nil {
		cfg.Watcher = cfg.Client
	}
	// Its own informer, for one name: the shared one would hold every ConfigMap of the cluster.
	informer := coreinformers.NewFilteredConfigMapInformer(cfg.Watcher, metav1.NamespaceAll, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
		func(o *metav1.ListOptions) { o.FieldSelector = "metadata.name=" + ConfigMapName })
	c := &Controller{client: cfg.Client, namespaces: cfg.Namespaces.Lister(), configMaps: corelisters.NewConfigMapLister(informer.GetIndexer()),
		informer: informer, rootCA: string(cfg.RootCA)}
	var err error
	if c.queue, err = worker.New(worker.Config[string]{Name: "root_ca_cert_publisher", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	err = worker.Watch(c.queue, cfg.Namespaces.Informer(), worker.Handler[*v1.Namespace]{
		Add:    func(ns *v1.Namespace) { c.queue.Enqueue(ns.Name) },
		Update: func(_, ns *v1.Namespace) { c.queue.Enqueue(ns.Name) },
	})
	if err != nil {
		return nil, err
	}
	own := func(m *v1.ConfigMap) {
		if m.Name == ConfigMapName {
			c.queue.Enqueue(m.Namespace)
		}
	}
	return c, worker.Watch(c.queue, informer, worker.Handler[*v1.ConfigMap]{
		Update: func(_, m *v1.ConfigMap) { own(m) },
		Delete: own,
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.informer.RunWithContext(ctx) })
	return c.queue.Run(ctx)
}

// Sync creates or repairs the ConfigMap of one namespace.
func (c *Controller) Sync(ctx context.Context, namespace string) error {
	ns, err := c.namespaces.Get(namespace)
	if apierrors.IsNotFound(err) || err == nil && ns.Status.Phase == v1.NamespaceTerminating {
		return nil
	}
	if err != nil {
		return err
	}
	data := map[string]string{dataKey: c.rootCA}
	have, err := c.configMaps.ConfigMaps(namespace).Get(ConfigMapName)
	switch {
	case apierrors.IsNotFound(err):
		_, err = c.client.CoreV1().ConfigMaps(namespace).Create(ctx, &v1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: ConfigMapName, Annotations: map[string]string{annotation: description}}, Data: data,
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) || podcontrol.IsTerminating(err) || apierrors.IsNotFound(err) {
			return nil
		}
	case err != nil:
		return err
	case maps.Equal(have.Data, data) && have.Annotations[annotation] != "":
		return nil
	default:
		m := have.DeepCopy()
		m.Data, m.BinaryData = data, nil
		if m.Annotations == nil {
			m.Annotations = map[string]string{}
		}
		m.Annotations[annotation] = description
		_, err = c.client.CoreV1().ConfigMaps(namespace).Update(ctx, m, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("publishing the root CA in %s: %w", namespace, err)
	}
	return nil
}
