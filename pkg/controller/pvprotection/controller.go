package pvprotection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Finalizer holds bound volumes.
const Finalizer = "kubernetes.io/pv-protection"

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Volumes coreinformers.PersistentVolumeInformer
	Metrics workqueue.MetricsProvider
}

// Controller guards bound volumes.
type Controller struct {
	client  kubernetes.Interface
	volumes corelisters.PersistentVolumeLister
	queue   *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Volumes == nil {
		return nil, errors.New("volume protection: Client and Volumes are required")
	}
	c := &Controller{client: cfg.Client, volumes: cfg.Volumes.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "pvprotection", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	look := func(v *v1.PersistentVolume) {
		if _, change := finalizers(v); change {
			c.queue.Enqueue(worker.KeyOf(v))
		}
	}
	return c, worker.Watch(c.queue, cfg.Volumes.Informer(), worker.Handler[*v1.PersistentVolume]{Add: look, Update: func(_, v *v1.PersistentVolume) { look(v) }})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// finalizers are those the volume should have, and whether that is a change.
func finalizers(v *v1.PersistentVolume) ([]string, bool) {
	held := slices.Contains(v.Finalizers, Finalizer)
	switch {
	case v.DeletionTimestamp == nil && !held:
		return append(slices.Clone(v.Finalizers), Finalizer), true
	case v.DeletionTimestamp != nil && held && v.Status.Phase != v1.VolumeBound:
		return slices.DeleteFunc(slices.Clone(v.Finalizers), func(f string) bool { return f == Finalizer }), true
	}
	return nil, false
}

// Sync adds or removes the finalizer of one volume.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	v, err := c.volumes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	want, change := finalizers(v)
	if !change {
		return nil
	}
	v = v.DeepCopy()
	v.Finalizers = want
	if _, err := c.client.CoreV1().PersistentVolumes().Update(ctx, v, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("changing finalizers: %w", err)
	}
	return nil
}
