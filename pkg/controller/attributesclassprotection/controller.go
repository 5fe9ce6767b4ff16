package attributesclassprotection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	coreinformers "k8s.io/client-go/informers/core/v1"
	storageinformers "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Finalizer holds classes in use.
const Finalizer = "kubernetes.io/vac-protection"

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Classes storageinformers.VolumeAttributesClassInformer
	Claims  coreinformers.PersistentVolumeClaimInformer
	Volumes coreinformers.PersistentVolumeInformer
	Metrics workqueue.MetricsProvider
}

// Controller guards classes in use.
type Controller struct {
	client  kubernetes.Interface
	classes storagelisters.VolumeAttributesClassLister
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	queue   *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Classes == nil || cfg.Claims == nil || cfg.Volumes == nil {
		return nil, errors.New("volume attributes class protection: Client, Classes, Claims and Volumes are required")
	}
	c := &Controller{client: cfg.Client, classes: cfg.Classes.Lister(), claims: cfg.Claims.Lister(), volumes: cfg.Volumes.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "vacprotection", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	look := func(k *storagev1.VolumeAttributesClass) {
		if (k.DeletionTimestamp != nil) == slices.Contains(k.Finalizers, Finalizer) {
			c.queue.Enqueue(worker.KeyOf(k))
		}
	}
	names := func(of []string, without []string) {
		for _, n := range of {
			if !slices.Contains(without, n) {
				c.queue.Enqueue(worker.Key{Name: n})
			}
		}
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Classes.Informer(), worker.Handler[*storagev1.VolumeAttributesClass]{Add: look, Update: func(_, k *storagev1.VolumeAttributesClass) { look(k) }}),
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{
			Update: func(old, p *v1.PersistentVolumeClaim) { names(ofClaim(old), ofClaim(p)) },
			Delete: func(p *v1.PersistentVolumeClaim) { names(ofClaim(p), nil) }}),
		worker.Watch(c.queue, cfg.Volumes.Informer(), worker.Handler[*v1.PersistentVolume]{
			Update: func(old, v *v1.PersistentVolume) { names(ofVolume(old), ofVolume(v)) },
			Delete: func(v *v1.PersistentVolume) { names(ofVolume(v), nil) }}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// ofClaim are the classes a claim wants, has, or is on its way to.
func ofClaim(p *v1.PersistentVolumeClaim) []string {
	var names []string
	for _, n := range []*string{p.Spec.VolumeAttributesClassName, p.Status.CurrentVolumeAttributesClassName} {
		if n != nil && *n != "" {
			names = append(names, *n)
		}
	}
	if m := p.Status.ModifyVolumeStatus; m != nil && m.TargetVolumeAttributesClassName != "" {
		names = append(names, m.TargetVolumeAttributesClassName)
	}
	return names
}

func ofVolume(v *v1.PersistentVolume) []string {
	if n := v.Spec.VolumeAttributesClassName; n != nil && *n != "" {
		return []string{*n}
	}
	return nil
}

// Sync adds or removes the finalizer of one class.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	class, err := c.classes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	held := slices.Contains(class.Finalizers, Finalizer)
	switch {
	case class.DeletionTimestamp == nil && !held:
		class = class.DeepCopy()
		class.Finalizers = append(class.Finalizers, Finalizer)
	case class.DeletionTimestamp != nil && held:
		used, err := c.used(ctx, class.Name)
		if used || err != nil {
			return err
		}
		class = class.DeepCopy()
		class.Finalizers = slices.DeleteFunc(class.Finalizers, func(f string) bool { return f == Finalizer })
	default:
		return nil
	}
	if _, err := c.client.StorageV1().VolumeAttributesClasses().Update(ctx, class, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("changing finalizers: %w", err)
	}
	return nil
}

var errUsed = errors.New("in use")

// used asks the caches first, and the API server for claims before it says no.
func (c *Controller) used(ctx context.Context, name string) (bool, error) {
	volumes, err := c.volumes.List(labels.Everything())
	if err != nil {
		return false, err
	}
	claims, err := c.claims.List(labels.Everything())
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(volumes, func(v *v1.PersistentVolume) bool { return slices.Contains(ofVolume(v), name) }) ||
		slices.ContainsFunc(claims, func(p *v1.PersistentVolumeClaim) bool { return slices.Contains(ofClaim(p), name) }) {
		return true, nil
	}
	err = pager.New(pager.SimplePageFunc(func(o metav1.ListOptions) (runtime.Object, error) {
		return c.client.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, o)
	})).EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if p, ok := o.(*v1.PersistentVolumeClaim); ok && slices.Contains(ofClaim(p), name) {
			return errUsed
		}
		return nil
	})
	switch {
	case errors.Is(err, errUsed):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("listing claims: %w", err)
	}
	return false, nil
}
