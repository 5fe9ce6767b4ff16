package namespace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// findings is what one look at the namespace found.
type findings struct {
	mu        sync.Mutex
	discovery []error
	content   []error
	// remaining counts objects by resource ("pods.", "widgets.example.com"), finalizers by name.
	remaining  map[string]int
	finalizers map[string]int
	wait       time.Duration
}

// parallel is how many resources are emptied at the same time: nearly all are empty, and one round trip each in a row would
// be most of the time a namespace takes.
const parallel = 8

// empty deletes everything in the namespace and reports what is left.
func (c *Controller) empty(ctx context.Context, ns *v1.Namespace) (*findings, error) {
	f := &findings{remaining: map[string]int{}, finalizers: map[string]int{}, wait: minWait}
	resources, err := c.resources()
	if err != nil {
		f.discovery = append(f.discovery, err) // go on with what was found: one broken aggregated API must not keep the rest
	}
	if i := slices.IndexFunc(resources, isPods); i >= 0 {
		err := c.emptyResource(ctx, ns.Name, resources[i], f)
		if err != nil {
			f.content = append(f.content, err)
		}
		if err != nil || len(f.remaining) > 0 {
			return f, ctx.Err()
		}
		resources = slices.Delete(resources, i, i+1)
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, r := range resources {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := c.emptyResource(ctx, ns.Name, r, f); err != nil {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.content = append(f.content, err)
			}
		})
	}
	wg.Wait()
	return f, ctx.Err()
}

func isPods(r resource) bool { return r.GroupResource() == schema.GroupResource{Resource: "pods"} }

// resource is one kind of content with what the server allows on it.
type resource struct {
	schema.GroupVersionResource
	list, deleteCollection bool
}

func (c *Controller) resources() ([]resource, error) {
	lists, err := discovery.ServerPreferredNamespacedResources(c.discovery)
	var out []resource
	for _, l := range lists {
		gv, parseErr := schema.ParseGroupVersion(l.GroupVersion)
		if parseErr != nil {
			return out, parseErr
		}
		for _, r := range l.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "delete") {
				continue
			}
			out = append(out, resource{GroupVersionResource: gv.WithResource(r.Name),
				list: slices.Contains(r.Verbs, "list"), deleteCollection: slices.Contains(r.Verbs, "deletecollection")})
		}
	}
	return out, err
}

func (c *Controller) emptyResource(ctx context.Context, namespace string, r resource, f *findings) error {
	if !r.list {
		return nil // what cannot be seen cannot be waited for
	}
	client := c.metadata.Resource(r.GroupVersionResource).Namespace(namespace)
	items, err := client.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil // the resource itself has gone since discovery
	}
	if err != nil {
		return fmt.Errorf("listing %s: %w", r.GroupResource(), err)
	}
	if len(items.Items) == 0 {
		return nil
	}
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background}
	if r.deleteCollection {
		err = client.DeleteCollection(ctx, options, metav1.ListOptions{})
	}
	if !r.deleteCollection || apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
		err = nil
		for _, o := range items.Items {
			if e := client.Delete(ctx, o.Name, options); e != nil && !apierrors.IsNotFound(e) {
				err = e
			}
		}
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", r.GroupResource(), err)
	}
	items, err = client.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing %s again: %w", r.GroupResource(), err)
	}
	f.add(r, items.Items, c.clock.Now())
	return nil
}

func (f *findings) add(r resource, items []metav1.PartialObjectMetadata, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(items) > 0 {
		f.remaining[r.Resource+"."+r.Group] += len(items)
	}
	for _, o := range items {
		for _, name := range o.Finalizers {
			f.finalizers[name]++
		}
		f.wait = max(f.wait, waitFor(o, now))
	}
}

// waitFor is when to look again at an object with a graceful deletion, should no event come before.
func waitFor(o metav1.PartialObjectMetadata, now time.Time) time.Duration {
	if o.DeletionTimestamp == nil {
		return minWait
	}
	return max(minWait, min(o.DeletionTimestamp.Sub(now)/2, podWait))
}
