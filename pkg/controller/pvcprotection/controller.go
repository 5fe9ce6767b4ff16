package pvcprotection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-helpers/storage/ephemeral"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Finalizer holds claims in use.
const Finalizer = "kubernetes.io/pvc-protection"

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Claims  coreinformers.PersistentVolumeClaimInformer
	Pods    coreinformers.PodInformer
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller guards claims in use.
type Controller struct {
	client kubernetes.Interface
	claims corelisters.PersistentVolumeClaimLister
	pods   corelisters.PodLister
	queue  *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Claims == nil || cfg.Pods == nil {
		return nil, errors.New("claim protection: Client, Claims and Pods are required")
	}
	c := &Controller{client: cfg.Client, claims: cfg.Claims.Lister(), pods: cfg.Pods.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "pvcprotection", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	look := func(p *v1.PersistentVolumeClaim) {
		if (p.DeletionTimestamp != nil) == slices.Contains(p.Finalizers, Finalizer) {
			c.queue.Enqueue(worker.KeyOf(p))
		}
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{Add: look, Update: func(_, p *v1.PersistentVolumeClaim) { look(p) }}),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Delete: c.released}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// released looks at the claims that a pod no longer uses.
func (c *Controller) released(p *v1.Pod) {
	for i := range p.Spec.Volumes {
		if name := claimName(p, &p.Spec.Volumes[i]); name != "" {
			key := worker.Key{Namespace: p.Namespace, Name: name}
			if claim, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name); err == nil && claim.DeletionTimestamp != nil {
				c.queue.Enqueue(key)
			}
		}
	}
}

func claimName(p *v1.Pod, v *v1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return ephemeral.VolumeClaimName(p, v)
	}
	return ""
}

// uses tells whether the pod, bound to a node, uses the claim.
func uses(p *v1.Pod, claim *v1.PersistentVolumeClaim) bool {
	if p.Spec.NodeName == "" || p.Namespace != claim.Namespace {
		return false
	}
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if claimName(p, v) == claim.Name && (v.Ephemeral == nil || ephemeral.VolumeIsForPod(p, claim) == nil) {
			return true
		}
	}
	return false
}

// Sync adds or removes the finalizer of one claim.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	claim, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	held := slices.Contains(claim.Finalizers, Finalizer)
	switch {
	case claim.DeletionTimestamp == nil && !held:
		claim = claim.DeepCopy()
		claim.Finalizers = append(claim.Finalizers, Finalizer)
	case claim.DeletionTimestamp != nil && held:
		used, err := c.used(ctx, claim)
		if used || err != nil {
			return err // the pod's deletion brings us back
		}
		claim = claim.DeepCopy()
		claim.Finalizers = slices.DeleteFunc(claim.Finalizers, func(f string) bool { return f == Finalizer })
	default:
		return nil
	}
	if _, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, claim, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("changing finalizers: %w", err)
	}
	return nil
}

var errUsed = errors.New("in use")

func (c *Controller) used(ctx context.Context, claim *v1.PersistentVolumeClaim) (bool, error) {
	pods, err := c.pods.Pods(claim.Namespace).List(labels.Everything())
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(pods, func(p *v1.Pod) bool { return uses(p, claim) }) {
		return true, nil
	}
	err = pager.New(pager.SimplePageFunc(func(o metav1.ListOptions) (runtime.Object, error) {
		return c.client.CoreV1().Pods(claim.Namespace).List(ctx, o)
	})).EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if p, ok := o.(*v1.Pod); ok && uses(p, claim) {
			return errUsed
		}
		return nil
	})
	switch {
	case errors.Is(err, errUsed):
		// The cache has not shown this pod yet; its deletion will be an event.
		return true, nil
	case err != nil:
		return false, fmt.Errorf("listing pods: %w", err)
	}
	return false, nil
}
