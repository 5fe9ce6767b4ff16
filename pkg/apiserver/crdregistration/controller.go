package crdregistration

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdinformers "k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions/apiextensions/v1"
	crdlisters "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Registration keeps APIServices; the aggregator's own controller implements it.
type Registration interface {
	AddAPIServiceToSync(*apiregistrationv1.APIService)
	RemoveAPIServiceToSync(name string)
}

// The place of custom groups in discovery: behind every standard one.
const (
	groupPriority   = 1000
	versionPriority = 100
)

// Controller watches CustomResourceDefinitions.
type Controller struct {
	crds         crdlisters.CustomResourceDefinitionLister
	hasSynced    cache.InformerSynced
	registration Registration
	queue        workqueue.TypedRateLimitingInterface[schema.GroupVersion]
	initial      chan struct{}
}

// New makes the controller; the caller starts the informer.
func New(crds crdinformers.CustomResourceDefinitionInformer, registration Registration) *Controller {
	c := &Controller{
		crds: crds.Lister(), hasSynced: crds.Informer().HasSynced, registration: registration,
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[schema.GroupVersion]()),
		initial: make(chan struct{}),
	}
	_, err := crds.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    c.enqueue,
		UpdateFunc: func(old, now any) { c.enqueue(old); c.enqueue(now) },
		DeleteFunc: c.enqueue,
	})
	utilruntime.Must(err)
	return c
}

func (c *Controller) enqueue(obj any) {
	if t, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = t.Obj
	}
	crd, ok := obj.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return
	}
	for _, v := range crd.Spec.Versions {
		c.queue.Add(schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name})
	}
}

// WaitForInitialSync waits until every definition there was at the start is known; it returns false when ctx ends before.
func (c *Controller) WaitForInitialSync(ctx context.Context) bool {
	select {
	case <-c.initial:
		return true
	case <-ctx.Done():
		return false
	}
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	defer c.queue.ShutDown()
	if !cache.WaitForNamedCacheSyncWithContext(ctx, c.hasSynced) {
		return
	}
	crds, err := c.crds.List(labels.Everything())
	if err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Listing custom resource definitions")
		return
	}
	for _, crd := range crds {
		for _, v := range crd.Spec.Versions {
			if err := c.sync(schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name}); err != nil {
				utilruntime.HandleErrorWithContext(ctx, err, "Registering a custom group version")
			}
		}
	}
	close(c.initial)
	go func() {
		<-ctx.Done()
		c.queue.ShutDown()
	}()
	for c.next(ctx) {
	}
}

func (c *Controller) next(ctx context.Context) bool {
	gv, quit := c.queue.Get()
	if quit {
		return false
	}
	defer c.queue.Done(gv)
	if err := c.sync(gv); err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Registering a custom group version", "groupVersion", gv)
		c.queue.AddRateLimited(gv)
		return true
	}
	c.queue.Forget(gv)
	return true
}

func (c *Controller) sync(gv schema.GroupVersion) error {
	crds, err := c.crds.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing custom resource definitions: %w", err)
	}
	name := gv.Version + "." + gv.Group
	for _, crd := range crds {
		if crd.Spec.Group != gv.Group {
			continue
		}
		for _, v := range crd.Spec.Versions {
			if v.Name != gv.Version || !v.Served {
				continue
			}
			c.registration.AddAPIServiceToSync(&apiregistrationv1.APIService{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: apiregistrationv1.APIServiceSpec{
					Group: gv.Group, Version: gv.Version, GroupPriorityMinimum: groupPriority, VersionPriority: versionPriority,
				},
			})
			return nil
		}
	}
	c.registration.RemoveAPIServiceToSync(name)
	return nil
}
