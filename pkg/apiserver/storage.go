package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	registrygeneric "k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"

	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/apiserver/etcdstore"
	"tiphys.dev/tiphys/pkg/apiserver/sharedlist"
)

// storagePrefixes are the places of resources whose keys in etcd do not follow from their names. They are upstream's, so that
// each can start on the other's data.
var storagePrefixes = map[schema.GroupResource]string{
	{Resource: "replicationcontrollers"}:                      "controllers",
	{Resource: "endpoints"}:                                   "services/endpoints",
	{Resource: "nodes"}:                                       "minions",
	{Resource: "services"}:                                    "services/specs",
	{Group: "networking.k8s.io", Resource: "ingresses"}:       "ingress",
	{Group: "networking.k8s.io", Resource: "networkpolicies"}: "networkpolicies",
}

// storedAs are resources that came with this release in no other version: there is none that the release before could read.
var storedAs = map[schema.GroupResource]schema.GroupVersion{
	{Group: "resource.k8s.io", Resource: "resourcepoolstatusrequests"}: {Group: "resource.k8s.io", Version: "v1alpha3"},
}

// defaultResources are the group versions that are served unless --runtime-config says otherwise.
func defaultResources() *serverstorage.ResourceConfig {
	r := serverstorage.NewResourceConfig()
	for _, g := range scheme.Groups {
		for _, v := range g.Versions {
			r.EnableVersions(schema.GroupVersion{Group: g.Name, Version: v})
		}
		for _, v := range g.Unstable {
			r.DisableVersions(schema.GroupVersion{Group: g.Name, Version: v.Name})
		}
	}
	return r
}

func (g *generic) setStorage(ctx context.Context, c *Config) error {
	if c.EtcdClients != nil {
		g.local = etcdstore.NewLocal(ctx, c.EtcdClients, c.Etcd.StorageConfig.CompactionInterval)
		g.store = etcdstore.New(g.local)
		c.Etcd.StorageConfig.CompactionInterval = 0
		c.Etcd.SkipHealthEndpoints = true
		g.checkLocal(c.Etcd.StorageConfig.HealthcheckTimeout, c.Etcd.StorageConfig.ReadycheckTimeout)
	}
	if g.store == nil {
		g.store = etcdstore.New(etcdstore.NewConnections(c.Tracing.ConfigFile != ""))
	}
	// The servers of custom resources and of APIServices start from the same settings.
	c.Etcd.StorageConfig.Transport.TracerProvider = g.config.TracerProvider
	c.Etcd.StorageConfig.Transport.EgressLookup = g.egressLookup()
	config := c.Etcd.StorageConfig
	config.StorageObjectCountTracker = g.config.StorageObjectCountTracker
	encoding := serverstorage.NewDefaultResourceEncodingConfig(scheme.Scheme)
	for resource, version := range storedAs {
		encoding.SetResourceEncoding(resource, version, schema.GroupVersion{Group: resource.Group, Version: runtime.APIVersionInternal})
	}
	factory := serverstorage.NewDefaultStorageFactory(config, c.Etcd.DefaultStorageMediaType, scheme.Codecs,
		encoding, g.config.MergedResourceConfig, storagePrefixes)
	// Both groups serve the same objects; the first is where they are stored.
	factory.AddCohabitatingResources(schema.GroupResource{Resource: "events"}, schema.GroupResource{Group: "events.k8s.io", Resource: "events"})
	overrides, err := options.ParseEtcdServersOverrides(c.Etcd.EtcdServersOverrides)
	if err != nil {
		return fmt.Errorf("reading --etcd-servers-overrides: %w", err)
	}
	for _, o := range overrides {
		factory.SetEtcdLocation(o.GroupResource, o.Servers)
	}
	g.stores = factory.Configs()
	if c.Etcd.EnableWatchCache {
		sizes, err := options.WriteWatchCacheSizes(map[schema.GroupResource]int{
			{Resource: "events"}: 0, {Group: "events.k8s.io", Resource: "events"}: 0,
		})
		if err != nil {
			return err
		}
		c.Etcd.WatchCacheSizes = append(sizes, withoutEvents(c.Etcd.WatchCacheSizes)...)
	}
	if err := c.Etcd.ApplyWithStorageFactoryTo(kindlessStorage{factory}, g.config); err != nil {
		return fmt.Errorf("setting up storage: %w", err)
	}
	if g.config.RESTOptionsGetter, err = g.storage(c, g.config.RESTOptionsGetter); err != nil {
		return err
	}
	cached, err := watchCached(c)
	if err != nil {
		return err
	}
	g.config.RESTOptionsGetter = sharedLists{g.config.RESTOptionsGetter, g.lists, cached}
	return nil
}

// checkLocal asks the store of this process for its health, under upstream's names of the checks.
func (g *generic) checkLocal(healthy, ready time.Duration) {
	within := func(timeout time.Duration) func(*http.Request) error {
		return func(*http.Request) error {
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			return g.local.Check(ctx)
		}
	}
	g.config.AddHealthChecks(healthz.NamedGroupedCheck("etcd", "etcd", within(healthy)))
	g.config.AddReadyzChecks(healthz.NamedGroupedCheck("etcd-readiness", "etcd-readiness", within(ready)))
}

// sharedLists is storage whose lists are answered together where they are equal.
type sharedLists struct {
	registrygeneric.RESTOptionsGetter
	lists  *sharedlist.Lists
	cached func(schema.GroupResource) bool
}

// decorated are resources whose registry completes the objects that it reads, so that these cannot be shared.
var decorated = map[schema.GroupResource]bool{
	{Resource: "services"}:               true,
	{Resource: "persistentvolumeclaims"}: true,
}

func (g sharedLists) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (registrygeneric.RESTOptions, error) {
	opts, err := g.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err == nil && g.cached(resource) && !decorated[resource] {
		opts.Decorator = g.lists.Decorate(opts.Decorator)
	}
	return opts, err
}

// watchCached tells of which resources a watch cache is kept.
func watchCached(c *Config) (func(schema.GroupResource) bool, error) {
	sizes, err := options.ParseWatchCacheSizes(c.Etcd.WatchCacheSizes)
	if err != nil {
		return nil, err
	}
	return func(resource schema.GroupResource) bool {
		size, set := sizes[resource]
		return c.Etcd.EnableWatchCache && (!set || size > 0)
	}, nil
}

// storage is where the resources of one of the three servers are kept.
func (g *generic) storage(c *Config, addressed registrygeneric.RESTOptionsGetter) (registrygeneric.RESTOptionsGetter, error) {
	cached, err := watchCached(c)
	if err != nil {
		return nil, err
	}
	return g.store.Getter(addressed, etcdstore.Caching{
		Kept: cached, Changed: func(r schema.GroupResource) bool { return decorated[r] }, Beginnings: g.lists.Beginnings,
	}), nil
}

// withoutEvents drops settings for events, which are never cached: they are many, and hardly anybody watches them.
func withoutEvents(sizes []string) []string {
	var out []string
	for _, s := range sizes {
		if !strings.HasPrefix(s, "events") {
			out = append(out, s)
		}
	}
	return out
}
