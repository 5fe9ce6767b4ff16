package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	genericfeatures "k8s.io/apiserver/pkg/features"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/transport"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
	"k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/controllers/autoregister"
	"k8s.io/kube-aggregator/pkg/controllers/status/remote"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/crdregistration"
	"tiphys.dev/tiphys/pkg/apiserver/openapi"
)

// newAggregator builds the head of the chain: it serves APIServices and sends each group version to whom it belongs.
func newAggregator(c *Config, g *generic, standard *genericapiserver.GenericAPIServer, crds *apiextensions.CustomResourceDefinitions) (*apiserver.APIAggregator, error) {
	config := *g.config
	config.PostStartHooks = map[string]genericapiserver.PostStartHookConfigEntry{}
	config.RESTOptionsGetter = nil
	traced := c.Tracing.ConfigFile != ""
	config.BuildHandlerChainFunc = g.peers.wrap(func(api http.Handler, c *genericapiserver.Config) http.Handler {
		api = g.lists.Handler(api, c.FeatureGate.Enabled(genericfeatures.APIResponseCompression))
		return buildChain(api, c, traced)
	})
	if err := c.Enablement.ApplyTo(&config, apiserver.DefaultAPIResourceConfigSource(), aggregatorscheme.Scheme); err != nil {
		return nil, fmt.Errorf("applying --runtime-config: %w", err)
	}

	etcd := *c.Etcd
	etcd.StorageConfig.StorageObjectCountTracker = g.config.StorageObjectCountTracker
	etcd.StorageConfig.Codec = aggregatorscheme.Codecs.LegacyCodec(apiregistrationv1.SchemeGroupVersion, apiregistrationv1beta1.SchemeGroupVersion)
	etcd.StorageConfig.EncodeVersioner = runtime.NewMultiGroupVersioner(apiregistrationv1.SchemeGroupVersion,
		schema.GroupKind{Group: apiregistrationv1beta1.GroupName})
	etcd.SkipHealthEndpoints = true
	if err := etcd.ApplyTo(&config); err != nil {
		return nil, err
	}
	var err error
	if config.RESTOptionsGetter, err = g.storage(c, config.RESTOptionsGetter); err != nil {
		return nil, err
	}
	ac := &apiserver.Config{
		GenericConfig: &genericapiserver.RecommendedConfig{Config: config, SharedInformerFactory: g.informers},
		ExtraConfig: apiserver.ExtraConfig{
			ProxyClientCertFile:       c.ProxyClientCertFile,
			ProxyClientKeyFile:        c.ProxyClientKeyFile,
			ProxyTransport:            g.proxyTransport,
			ServiceResolver:           g.resolver,
			RejectForwardingRedirects: c.AggregatorRejectForwardingRedirect,
		},
	}
	if g.peers != nil && g.peers.proxy != nil {
		ac.ExtraConfig.PeerProxy = g.peers.proxy
	}
	agg, err := ac.Complete().NewWithDelegate(standard)
	if err != nil {
		return nil, err
	}
	if err := g.peers.follow(agg, crds); err != nil {
		return nil, err
	}
	services := agg.APIRegistrationInformers.Apiregistration().V1().APIServices().Lister()
	g.apiServices.Store(&services)
	for gv, p := range priorities {
		g.config.AggregatedDiscoveryGroupManager.WithSource(aggregated.BuiltinSource).SetGroupVersionPriority(metav1.GroupVersion(gv), int(p.group), int(p.version))
	}
	if err := registerLocal(g, agg, standard, crds); err != nil {
		return nil, err
	}
	return agg, installDocuments(c, g, agg)
}

// installDocuments serves the OpenAPI documents of the whole chain.
func installDocuments(c *Config, g *generic, agg *apiserver.APIAggregator) error {
	var dial *transport.DialHolder
	if g.nodeDial != nil {
		dial = &transport.DialHolder{Dial: g.nodeDial}
	}
	services := agg.APIRegistrationInformers.Apiregistration().V1().APIServices().Informer()
	documents := openapi.Install(openapi.Config{
		Server: agg.GenericAPIServer, V2: g.config.OpenAPIConfig, V3: g.config.OpenAPIV3Config,
		Services: *g.apiServices.Load(),
		Resolve:  g.resolver.ResolveEndpoint,
		Transport: func(s *apiregistrationv1.APIService) *transport.Config {
			t := remote.BuildTransportConfig(dial, nil, nil, s)
			t.TLS.CertFile, t.TLS.KeyFile, t.TLS.ReloadTLSFiles = c.ProxyClientCertFile, c.ProxyClientKeyFile, true
			return t
		},
		Clock: clock.RealClock{},
	})
	server := agg.GenericAPIServer
	err := server.AddPostStartHook("apiservice-openapi-controller", func(h genericapiserver.PostStartHookContext) error {
		return documents.Follow(h, services)
	})
	if err != nil {
		return err
	}
	// The list of documents of version 3 names the group versions of aggregated servers, so these must be known.
	return server.AddPostStartHook("apiservice-openapiv3-controller", func(h genericapiserver.PostStartHookContext) error {
		if !cache.WaitForCacheSync(h.Done(), services.HasSynced) {
			return errors.New("the server ended before its APIServices were known")
		}
		return nil
	})
}

// registerLocal keeps an APIService for each group version this process serves itself, custom resources included.
func registerLocal(g *generic, agg *apiserver.APIAggregator, standard *genericapiserver.GenericAPIServer, crds *apiextensions.CustomResourceDefinitions) error {
	client, err := apiregistration.NewForConfig(g.config.LoopbackClientConfig)
	if err != nil {
		return fmt.Errorf("building the client of APIServices: %w", err)
	}
	services := agg.APIRegistrationInformers.Apiregistration().V1().APIServices()
	auto := autoregister.NewAutoRegisterController(services, client)
	var local []*apiregistrationv1.APIService
	for _, path := range standard.ListedPaths() {
		if s := localAPIService(path); s != nil {
			local = append(local, s)
			auto.AddAPIServiceToSyncOnStart(s)
		}
	}
	custom := crdregistration.New(crds.Informers.Apiextensions().V1().CustomResourceDefinitions(), auto)
	agg.GenericAPIServer.AddPostStartHookOrDie("kube-apiserver-autoregistration", func(h genericapiserver.PostStartHookContext) error {
		go custom.Run(h)
		go func() {
			// Were it to start before, it would take the services of custom resources for orphans and delete them.
			if custom.WaitForInitialSync(h) {
				auto.Run(5, h.Done())
			}
		}()
		return nil
	})
	return agg.GenericAPIServer.AddBootSequenceHealthChecks(registered("autoregister-completion", services.Lister(), local))
}

// priority orders the groups in discovery.
type priority struct{ group, version int32 }

// priorities are those of upstream's APIServices; groups that are not listed come behind them.
var priorities = map[schema.GroupVersion]priority{
	{Group: "", Version: "v1"}:                                   {18000, 1},
	{Group: "apps", Version: "v1"}:                               {17800, 15},
	{Group: "events.k8s.io", Version: "v1"}:                      {17750, 15},
	{Group: "authentication.k8s.io", Version: "v1"}:              {17700, 15},
	{Group: "authorization.k8s.io", Version: "v1"}:               {17600, 15},
	{Group: "autoscaling", Version: "v1"}:                        {17500, 15},
	{Group: "autoscaling", Version: "v2"}:                        {17500, 30},
	{Group: "batch", Version: "v1"}:                              {17400, 15},
	{Group: "certificates.k8s.io", Version: "v1"}:                {17300, 15},
	{Group: "certificates.k8s.io", Version: "v1beta1"}:           {17300, 9},
	{Group: "certificates.k8s.io", Version: "v1alpha1"}:          {17300, 1},
	{Group: "networking.k8s.io", Version: "v1"}:                  {17200, 15},
	{Group: "networking.k8s.io", Version: "v1beta1"}:             {17200, 9},
	{Group: "policy", Version: "v1"}:                             {17100, 15},
	{Group: "rbac.authorization.k8s.io", Version: "v1"}:          {17000, 15},
	{Group: "storage.k8s.io", Version: "v1"}:                     {16800, 15},
	{Group: "storage.k8s.io", Version: "v1beta1"}:                {16800, 9},
	{Group: "apiextensions.k8s.io", Version: "v1"}:               {16700, 15},
	{Group: "admissionregistration.k8s.io", Version: "v1"}:       {16700, 15},
	{Group: "admissionregistration.k8s.io", Version: "v1beta1"}:  {16700, 12},
	{Group: "admissionregistration.k8s.io", Version: "v1alpha1"}: {16700, 9},
	{Group: "scheduling.k8s.io", Version: "v1"}:                  {16600, 15},
	{Group: "scheduling.k8s.io", Version: "v1alpha2"}:            {16600, 2},
	{Group: "coordination.k8s.io", Version: "v1"}:                {16500, 15},
	{Group: "coordination.k8s.io", Version: "v1beta1"}:           {16500, 13},
	{Group: "coordination.k8s.io", Version: "v1alpha2"}:          {16500, 12},
	{Group: "node.k8s.io", Version: "v1"}:                        {16300, 15},
	{Group: "discovery.k8s.io", Version: "v1"}:                   {16200, 15},
	{Group: "flowcontrol.apiserver.k8s.io", Version: "v1"}:       {16100, 21},
	{Group: "resource.k8s.io", Version: "v1"}:                    {16200, 21},
	{Group: "resource.k8s.io", Version: "v1beta2"}:               {16200, 15},
	{Group: "resource.k8s.io", Version: "v1beta1"}:               {16200, 9},
	{Group: "resource.k8s.io", Version: "v1alpha3"}:              {16200, 1},
	{Group: "internal.apiserver.k8s.io", Version: "v1alpha1"}:    {16000, 9},
	{Group: "storagemigration.k8s.io", Version: "v1beta1"}:       {15800, 9},
}

func localAPIService(path string) *apiregistrationv1.APIService {
	var gv schema.GroupVersion
	var err error
	switch {
	case path == "/api/v1":
		gv = schema.GroupVersion{Version: "v1"}
	case len(path) > len("/apis/") && path[:len("/apis/")] == "/apis/":
		gv, err = schema.ParseGroupVersion(path[len("/apis/"):])
		if err != nil || gv.Group == "" || gv.Version == "" {
			return nil
		}
	default:
		return nil
	}
	p, ok := priorities[gv]
	if !ok {
		return nil
	}
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: gv.Version + "." + gv.Group},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: gv.Group, Version: gv.Version, GroupPriorityMinimum: p.group, VersionPriority: p.version,
		},
	}
}

// registered is a health check that fails until every local APIService is available.
func registered(name string, lister interface {
	Get(string) (*apiregistrationv1.APIService, error)
}, local []*apiregistrationv1.APIService) healthz.HealthChecker {
	var mu sync.Mutex
	done := map[string]bool{}
	return healthz.NamedCheck(name, func(*http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range local {
			if done[s.Name] {
				continue
			}
			if _, err := lister.Get(s.Name); err != nil {
				return fmt.Errorf("APIService %s is not registered yet", s.Name)
			}
			done[s.Name] = true
		}
		return nil
	})
}

func loopbackURL(host string) (*url.URL, error) { return url.Parse(host) }
