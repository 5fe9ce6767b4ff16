package apiserver

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"

	"tiphys.dev/tiphys/pkg/api/scheme"
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

// defaultResources are the group versions that are served unless --runtime-config says otherwise.
func defaultResources() *serverstorage.ResourceConfig {
	r := serverstorage.NewResourceConfig()
	for _, g := range scheme.Groups {
		for _, v := range g.Versions {
			r.EnableVersions(schema.GroupVersion{Group: g.Name, Version: v})
		}
	}
	return r
}

func (g *generic) setStorage(c *Config) error {
	// The servers of custom resources and of APIServices start from the same settings.
	c.Etcd.StorageConfig.Transport.TracerProvider = g.config.TracerProvider
	c.Etcd.StorageConfig.Transport.EgressLookup = g.egressLookup()
	config := c.Etcd.StorageConfig
	config.StorageObjectCountTracker = g.config.StorageObjectCountTracker
	encoding := serverstorage.NewDefaultResourceEncodingConfig(scheme.Scheme)
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
	return nil
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
