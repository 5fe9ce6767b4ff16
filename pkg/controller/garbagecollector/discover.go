package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// monitor is the watch of one resource.
type monitor struct {
	informer     cache.SharedIndexInformer
	registration cache.ResourceEventHandlerRegistration
	stop         context.CancelFunc // nil for a shared informer
}

// Discovery is repeated when a CRD or APIService changes; both need a moment until they are served.
var triggers = []schema.GroupResource{
	{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Group: "apiregistration.k8s.io", Resource: "apiservices"},
}

const (
	triggerDelay = time.Second
	// fillTimeout bounds how long new monitors hold the workers: one broken API must not stop all garbage collection.
	fillTimeout = 30 * time.Second
)

// follow keeps one monitor per resource until ctx is done. It closes first when the workers may start.
func (c *Controller) follow(ctx context.Context, first chan struct{}) error {
	var running sync.WaitGroup
	defer running.Wait()
	defer c.stopMonitors()
	for started := false; ; {
		if err := c.refresh(ctx, &running); err != nil {
			klog.FromContext(ctx).Error(err, "Discovery is incomplete")
		}
		if !started {
			started = true
			close(first)
		}
		timer := c.cfg.Clock.NewTimer(c.cfg.ResyncPeriod)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		case <-c.changed:
			timer.Stop()
			if !c.pause(ctx, triggerDelay) {
				return nil
			}
		}
	}
}

func (c *Controller) pause(ctx context.Context, d time.Duration) bool {
	t := c.cfg.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C():
		return true
	}
}

// refresh discovers, starts monitors for what is new and stops those of what has gone.
func (c *Controller) refresh(ctx context.Context, running *sync.WaitGroup) error {
	groups, lists, err := c.cfg.Discovery.ServerGroupsAndResources()
	var broken *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	c.mapper.set(groups, lists)
	want := c.wanted(lists, groups)
	var fresh []cache.InformerSynced
	c.gate.Lock()
	defer c.gate.Unlock()
	for gvr, gvk := range want {
		if c.monitors[gvr] != nil {
			continue
		}
		m, startErr := c.start(ctx, gvr, gvk, running)
		if startErr != nil {
			err = errors.Join(err, startErr)
			continue
		}
		c.monitors[gvr] = m
		fresh = append(fresh, m.registration.HasSynced)
	}
	for gvr, m := range c.monitors {
		if _, ok := want[gvr]; ok || broken != nil && broken.Groups[gvr.GroupVersion()] != nil {
			continue
		}
		c.stopMonitor(m)
		delete(c.monitors, gvr)
	}
	if len(fresh) == 0 {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	if !cache.WaitForCacheSync(waiting.Done(), fresh...) && ctx.Err() == nil {
		err = errors.Join(err, fmt.Errorf("some of %d new resources did not fill within %s", len(fresh), fillTimeout))
	}
	return err
}

// wanted picks, of each group, each resource once, in the preferred version if that has it.
func (c *Controller) wanted(lists []*metav1.APIResourceList, groups []*metav1.APIGroup) map[schema.GroupVersionResource]schema.GroupVersionKind {
	preferred := map[string]string{}
	for _, g := range groups {
		preferred[g.Name] = g.PreferredVersion.Version
	}
	chosen := map[schema.GroupResource]schema.GroupVersionResource{}
	out := map[schema.GroupVersionResource]schema.GroupVersionKind{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range l.APIResources {
			gvr := gv.WithResource(r.Name)
			if strings.Contains(r.Name, "/") || slices.Contains(c.cfg.Ignored, gvr.GroupResource()) ||
				!slices.Contains(r.Verbs, "list") || !slices.Contains(r.Verbs, "watch") || !slices.Contains(r.Verbs, "delete") {
				continue
			}
			if before, ok := chosen[gvr.GroupResource()]; ok {
				if gv.Version != preferred[gv.Group] {
					continue
				}
				delete(out, before)
			}
			chosen[gvr.GroupResource()] = gvr
			out[gvr] = gv.WithKind(r.Kind)
		}
	}
	return out
}

func (c *Controller) start(ctx context.Context, gvr schema.GroupVersionResource, gvk schema.GroupVersionKind, running *sync.WaitGroup) (*monitor, error) {
	m := &monitor{informer: c.cfg.Shared(gvr)}
	if m.informer == nil {
		m.informer = metadatainformer.NewFilteredMetadataInformer(c.cfg.Metadata, gvr, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
		if err := m.informer.SetTransform(slim); err != nil {
			return nil, err
		}
		var own context.Context
		own, m.stop = context.WithCancel(ctx)
		running.Go(func() { m.informer.RunWithContext(own) })
	}
	var err error
	if m.registration, err = m.informer.AddEventHandler(c.handler(gvk)); err != nil {
		return nil, fmt.Errorf("watching %s: %w", gvr, err)
	}
	if slices.Contains(triggers, gvr.GroupResource()) {
		note := func(any) {
			select {
			case c.changed <- struct{}{}:
			default: // one is noted already
			}
		}
		_, err = m.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: note, DeleteFunc: note, UpdateFunc: func(o, n any) {
			a, ok1 := o.(metav1.Object)
			b, ok2 := n.(metav1.Object)
			if !ok1 || !ok2 || a.GetResourceVersion() != b.GetResourceVersion() {
				note(n)
			}
		}})
	}
	return m, err
}

// slim keeps of an object only what the graph needs.
func slim(o any) (any, error) {
	if m, ok := o.(*metav1.PartialObjectMetadata); ok {
		m.ManagedFields, m.Annotations, m.Labels = nil, nil, nil
	}
	return o, nil
}

func (c *Controller) stopMonitors() {
	for _, m := range c.monitors {
		c.stopMonitor(m)
	}
}

// stopMonitor leaves the objects in the graph: when the resource is gone for good they go when somebody asks for them, and
// when it only comes back in another version they are the same objects.
func (c *Controller) stopMonitor(m *monitor) {
	_ = m.informer.RemoveEventHandler(m.registration) // a stopped informer has none
	if m.stop != nil {
		m.stop()
	}
}

// mapping finds the resource of a kind, as of the last discovery.
type mapping struct {
	mu      sync.RWMutex
	byKind  map[schema.GroupKind]target
	version map[schema.GroupVersionKind]target
}

// target is a resource and whether its objects live in namespaces.
type target struct {
	schema.GroupVersionResource
	namespaced bool
}

func (m *mapping) set(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) {
	byKind, version := map[schema.GroupKind]target{}, map[schema.GroupVersionKind]target{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range l.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "get") {
				continue
			}
			t := target{gv.WithResource(r.Name), r.Namespaced}
			version[gv.WithKind(r.Kind)] = t
			if _, ok := byKind[schema.GroupKind{Group: gv.Group, Kind: r.Kind}]; !ok {
				byKind[schema.GroupKind{Group: gv.Group, Kind: r.Kind}] = t
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byKind, m.version = byKind, version
}

// find prefers the version that was asked for, and takes another when that is not served any more.
func (m *mapping) find(apiVersion, kind string) (target, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return target{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if t, ok := m.version[gv.WithKind(kind)]; ok {
		return t, nil
	}
	if t, ok := m.byKind[gv.WithKind(kind).GroupKind()]; ok {
		return t, nil
	}
	return target{}, fmt.Errorf("no resource is known for %s %s", apiVersion, kind)
}
