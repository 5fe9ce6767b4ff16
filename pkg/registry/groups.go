package registry

import (
	"fmt"
	"path"
	"time"

	discoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/builder3"
	openapi "k8s.io/kube-openapi/pkg/util"

	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/registry/stored"
	"tiphys.dev/tiphys/pkg/registry/typed"
)

// served is a group version with what it serves.
type served struct {
	schema.GroupVersion
	storage stored.Storage
}

// prefix of its paths.
func (s served) prefix() string {
	if s.Group == "" {
		return genericapiserver.DefaultLegacyAPIPrefix
	}
	return genericapiserver.APIGroupPrefix
}

// routes registers group versions with a server. The server's own way to do that has the published converter for server-side apply.
type routes struct {
	server *genericapiserver.GenericAPIServer
	config *genericapiserver.Config
	// core knows the kinds of the core group, and named those of the others. Fields that were written under one of them have no owner
	// any more when the object, an event, is written under the other.
	core, named *typed.Converter
	codecs      runtime.NegotiatedSerializer
}

func newRoutes(server *genericapiserver.GenericAPIServer, c *Config, all []served) (*routes, error) {
	var core, named []string
	for _, s := range all {
		models := &named
		if s.Group == "" {
			models = &core
		}
		for _, storage := range s.storage {
			kind, err := endpoints.GetResourceKind(s.GroupVersion, storage, scheme.Scheme)
			if err != nil {
				return nil, fmt.Errorf("looking for a kind of %v: %w", s.GroupVersion, err)
			}
			example, err := scheme.Scheme.New(kind)
			if err != nil {
				return nil, err
			}
			*models = append(*models, openapi.GetCanonicalTypeName(example))
		}
	}
	// Its serializers are those of every group.
	plain := genericapiserver.NewDefaultAPIGroupInfo("", scheme.Scheme, scheme.ParameterCodec, scheme.Codecs)
	r := &routes{server: server, config: c.Generic, codecs: c.serializer(plain.NegotiatedSerializer)}
	for _, part := range []struct {
		models []string
		types  **typed.Converter
	}{{core, &r.core}, {named, &r.named}} {
		schemas, err := builder3.BuildOpenAPIDefinitionsForResources(c.Generic.OpenAPIV3Config, part.models...)
		if err != nil {
			return nil, fmt.Errorf("building the schemas of the kinds: %w", err)
		}
		if *part.types, err = typed.New(schemas, scheme.Scheme); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// install registers the versions of one group, the preferred one first.
func (r *routes) install(versions []served) error {
	group := versions[0].Group
	found := metav1.APIGroup{Name: group}
	for _, s := range versions {
		if err := r.installVersion(s, versions); err != nil {
			return fmt.Errorf("installing %v: %w", s.GroupVersion, err)
		}
		found.Versions = append(found.Versions, metav1.GroupVersionForDiscovery{GroupVersion: s.String(), Version: s.Version})
	}
	found.PreferredVersion = found.Versions[0]
	if group != "" {
		r.server.DiscoveryGroupManager.AddGroup(found)
		r.server.Handler.GoRestfulContainer.Add(discovery.NewAPIGroupHandler(r.server.Serializer, found).WebService())
		return nil
	}
	addresses := r.config.DiscoveryAddresses
	if addresses == nil {
		addresses = discovery.DefaultAddresses{DefaultAddress: r.server.ExternalAddress}
	}
	root := discovery.NewLegacyRootAPIHandler(addresses, r.server.Serializer, genericapiserver.DefaultLegacyAPIPrefix)
	wrapped := aggregated.WrapAggregatedDiscoveryToHandler(root, r.server.AggregatedLegacyDiscoveryGroupManager, r.server.AggregatedLegacyDiscoveryGroupManager)
	r.server.Handler.GoRestfulContainer.Add(wrapped.GenerateWebService("/api", metav1.APIVersions{}))
	return nil
}

func (r *routes) installVersion(s served, all []served) error {
	version := r.groupVersion(s, all)
	resources, _, err := version.InstallREST(r.server.Handler.GoRestfulContainer)
	if err != nil {
		return err
	}
	manager := r.server.AggregatedDiscoveryGroupManager
	if s.Group == "" {
		manager = r.server.AggregatedLegacyDiscoveryGroupManager
	}
	manager.AddGroupVersion(s.Group, discoveryv2.APIVersionDiscovery{
		Freshness: discoveryv2.DiscoveryFreshnessCurrent, Version: s.Version, Resources: resources,
	})
	for resource, storage := range s.storage {
		r.server.RegisterDestroyFunc(storage.Destroy)
		if waits, ok := storage.(rest.StorageWithReadiness); ok {
			r.server.StorageReadinessHook.RegisterStorage(metav1.GroupVersionResource{Group: s.Group, Version: s.Version, Resource: resource}, waits)
		}
	}
	return nil
}

func (r *routes) groupVersion(s served, all []served) *endpoints.APIGroupVersion {
	types := r.named
	if s.Group == "" {
		types = r.core
	}
	versions := map[string][]string{}
	for _, one := range all {
		for resource := range one.storage {
			versions[resource] = append(versions[resource], path.Join(one.Group, one.Version))
		}
	}
	return &endpoints.APIGroupVersion{
		GroupVersion: s.GroupVersion, Root: s.prefix(), Storage: s.storage, AllServedVersionsByResource: versions,
		// Errors and options are of this version in every group.
		OptionsExternalVersion: &schema.GroupVersion{Version: "v1"},
		Serializer:             r.codecs, ParameterCodec: scheme.ParameterCodec,
		Typer: scheme.Scheme, Creater: scheme.Scheme, Convertor: scheme.Scheme, ConvertabilityChecker: scheme.Scheme, Defaulter: scheme.Scheme,
		Namer: runtime.Namer(meta.NewAccessor()), UnsafeConvertor: runtime.UnsafeObjectConvertor(scheme.Scheme), TypeConverter: types,
		EquivalentResourceRegistry: r.server.EquivalentResourceRegistry, Authorizer: r.server.Authorizer, Admit: r.config.AdmissionControl,
		MinRequestTimeout: time.Duration(r.config.MinRequestTimeout) * time.Second, MaxRequestBodyBytes: r.config.MaxRequestBodyBytes,
	}
}
