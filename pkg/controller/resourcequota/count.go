package resourcequota

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// plain are resources with a quota name of their own that are only counted.
var plain = map[v1.ResourceName]schema.GroupResource{
	v1.ResourceConfigMaps:             {Resource: "configmaps"},
	v1.ResourceSecrets:                {Resource: "secrets"},
	v1.ResourceQuotas:                 {Resource: "resourcequotas"},
	v1.ResourceReplicationControllers: {Resource: "replicationcontrollers"},
}

// counted returns the resource that the quota name counts.
func counted(name v1.ResourceName) (schema.GroupResource, bool) {
	if gr, ok := plain[name]; ok {
		return gr, true
	}
	text, ok := strings.CutPrefix(string(name), "count/")
	gr := schema.ParseGroupResource(text)
	return gr, ok && !slices.Contains(measured, gr)
}

// counter watches the metadata of resources that quotas count.
type counter struct {
	metadata  metadata.Interface
	discovery discovery.DiscoveryInterface
	changed   func(namespace string)

	mu      sync.Mutex
	running sync.WaitGroup
	watched map[schema.GroupResource]cache.SharedIndexInformer
}

// count returns how many objects of the resource are in the namespace. The first call starts the watch and waits for it.
func (c *counter) count(ctx context.Context, gr schema.GroupResource, namespace string, life context.Context) (int, error) {
	informer, err := c.watch(gr, life)
	if err != nil {
		return 0, err
	}
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return 0, ctx.Err()
	}
	items, err := informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	return len(items), err
}

func (c *counter) watch(gr schema.GroupResource, life context.Context) (cache.SharedIndexInformer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.watched[gr]; i != nil {
		return i, nil
	}
	gvr, err := c.preferred(gr)
	if err != nil {
		return nil, err
	}
	informer := metadatainformer.NewFilteredMetadataInformer(c.metadata, gvr, metav1.NamespaceAll, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, nil).Informer()
	if err := informer.SetTransform(func(o any) (any, error) {
		if m, ok := o.(*metav1.PartialObjectMetadata); ok {
			m.ManagedFields, m.Annotations, m.Labels, m.OwnerReferences = nil, nil, nil, nil
		}
		return o, nil
	}); err != nil {
		return nil, err
	}
	note := func(o any) {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		if m, ok := o.(metav1.Object); ok {
			c.changed(m.GetNamespace())
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: note, DeleteFunc: note}); err != nil {
		return nil, err
	}
	c.running.Go(func() { informer.RunWithContext(life) })
	c.watched[gr] = informer
	return informer, nil
}

func (c *counter) preferred(gr schema.GroupResource) (schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredNamespacedResources(c.discovery)
	for _, l := range lists {
		gv, parseErr := schema.ParseGroupVersion(l.GroupVersion)
		if parseErr != nil || gv.Group != gr.Group {
			continue
		}
		for _, r := range l.APIResources {
			if r.Name == gr.Resource {
				return gv.WithResource(r.Name), nil
			}
		}
	}
	if err != nil {
		return schema.GroupVersionResource{}, fmt.Errorf("finding %s: %w", gr, err)
	}
	return schema.GroupVersionResource{}, fmt.Errorf("no resource %s is served", gr)
}
