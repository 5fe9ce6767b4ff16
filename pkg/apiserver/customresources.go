package apiserver

import (
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	crdoptions "k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/common"
)

// newCustomResources builds the server of CustomResourceDefinitions and of the objects they define.
func newCustomResources(c *Config, g *generic, delegate genericapiserver.DelegationTarget) (*apiextensions.CustomResourceDefinitions, error) {
	config := *g.config
	// Hooks belong to the standard server; here they would run twice.
	config.PostStartHooks = map[string]genericapiserver.PostStartHookConfigEntry{}
	config.RESTOptionsGetter = nil
	if err := c.Enablement.ApplyTo(&config, apiextensions.DefaultAPIResourceConfigSource(), apiextensions.Scheme); err != nil {
		return nil, fmt.Errorf("applying --runtime-config: %w", err)
	}
	// Its documents are few until there are custom resources, and it keeps them itself: without the types of all others.
	config.SkipOpenAPIInstallation = false
	v2, v3 := *g.config.OpenAPIConfig, *g.config.OpenAPIV3Config
	v2.GetDefinitions = func(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
		return ownDefinitions(g.config.OpenAPIConfig.GetDefinitions(ref))
	}
	v3.Definitions = ownDefinitions(v3.Definitions)
	config.OpenAPIConfig, config.OpenAPIV3Config = &v2, &v3

	etcd := *c.Etcd
	etcd.StorageConfig.StorageObjectCountTracker = g.config.StorageObjectCountTracker
	etcd.StorageConfig.Codec = apiextensions.Codecs.LegacyCodec(apiextensionsv1beta1.SchemeGroupVersion, apiextensionsv1.SchemeGroupVersion)
	// The older version is the shorter one: a definition that just fits in it would not fit in the newer.
	etcd.StorageConfig.EncodeVersioner = runtime.NewMultiGroupVersioner(apiextensionsv1beta1.SchemeGroupVersion,
		schema.GroupKind{Group: apiextensionsv1beta1.GroupName})
	etcd.SkipHealthEndpoints = true
	if err := etcd.ApplyTo(&config); err != nil {
		return nil, err
	}
	var err error
	if config.RESTOptionsGetter, err = g.storage(c, config.RESTOptionsGetter); err != nil {
		return nil, err
	}
	objects, err := g.storage(c, crdoptions.NewCRDRESTOptionsGetter(etcd, config.ResourceTransformers, config.StorageObjectCountTracker))
	if err != nil {
		return nil, err
	}
	crd := &apiextensions.Config{
		GenericConfig: &genericapiserver.RecommendedConfig{Config: config, SharedInformerFactory: g.informers},
		ExtraConfig: apiextensions.ExtraConfig{
			CRDRESTOptionsGetter: objects,
			MasterCount:          1,
			AuthResolverWrapper:  newAuthResolver(g),
			ServiceResolver:      g.resolver,
		},
	}
	return crd.Complete().New(delegate)
}

// ownDefinitions leaves what definitions of custom resources are made of.
func ownDefinitions(all map[string]common.OpenAPIDefinition) map[string]common.OpenAPIDefinition {
	out := map[string]common.OpenAPIDefinition{}
	for name, d := range all {
		if strings.HasPrefix(name, "io.k8s.apiextensions-apiserver.") || strings.HasPrefix(name, "io.k8s.apimachinery.") {
			out[name] = d
		}
	}
	return out
}
