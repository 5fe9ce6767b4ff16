package apiserver

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/reconcilers"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/apiserver/pkg/util/peerproxy"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/transport"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"

	"tiphys.dev/tiphys/pkg/apiserver/bootstrap"
)

// Peers say how the API servers of one cluster reach each other: during an upgrade a server hands requests for resources that
// it does not know to one that does (KEP-4020).
type Peers struct {
	// CAFile verifies the other servers; without it requests are not handed on.
	CAFile string
	// AdvertiseIP and AdvertisePort are where the others reach this one; empty means the advertised address and the secure port.
	AdvertiseIP, AdvertisePort string
}

func (p *Peers) validate() error {
	if feature.DefaultFeatureGate.Enabled(features.UnknownVersionInteroperabilityProxy) {
		return nil
	}
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"peer-ca-file", p.CAFile}, {"peer-advertise-ip", p.AdvertiseIP}, {"peer-advertise-port", p.AdvertisePort},
	} {
		if f.value != "" {
			errs = append(errs, fmt.Errorf("--%s requires UnknownVersionInteroperabilityProxy feature to be turned on", f.name))
		}
	}
	return errors.Join(errs...)
}

// peers is this server's part in the exchange; nil where the feature is off.
type peers struct {
	serverID, address string
	leases            reconcilers.PeerEndpointLeaseReconciler
	// proxy is nil without a CA of the peers; identities are the leases by which it knows them.
	proxy      peerproxy.Interface
	identities informers.SharedInformerFactory
}

const (
	peerLeases = "/peerserverleases/"
	// peerLeaseTime is how long a server can be found after its last sign, which comes every peerInterval.
	peerLeaseTime = 15 * time.Second
	peerInterval  = 10 * time.Second
	// peerName is in the certificate of every API server.
	peerName = "kubernetes.default.svc"
	// peerWorkers read the discovery documents of other servers.
	peerWorkers = 2
)

func newPeers(c *Config, g *generic) (*peers, error) {
	// The store of this process has no other server.
	if !feature.DefaultFeatureGate.Enabled(features.UnknownVersionInteroperabilityProxy) || g.local != nil {
		return nil, nil
	}
	opts, err := g.config.RESTOptionsGetter.GetRESTOptions(schema.GroupResource{Resource: "endpoints"}, &v1.Endpoints{})
	if err != nil {
		return nil, fmt.Errorf("storage of the peers' addresses: %w", err)
	}
	p := &peers{serverID: g.config.APIServerID, address: c.peerAddress(g.securePort)}
	if p.leases, err = reconcilers.NewPeerEndpointLeaseReconciler(opts.StorageConfig, peerLeases, peerLeaseTime); err != nil {
		return nil, fmt.Errorf("storage of the peers' addresses: %w", err)
	}
	if c.Peers.CAFile == "" {
		return p, nil
	}
	if c.ProxyClientCertFile == "" {
		return nil, errors.New("--peer-ca-file needs --proxy-client-cert-file and --proxy-client-key-file, by which the other servers know this one")
	}
	// Not the shared factory: it would keep the leases of all nodes.
	p.identities = informers.NewSharedInformerFactoryWithOptions(g.client, 0, informers.WithNamespace(metav1.NamespaceSystem),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = bootstrap.IdentitySelector }))
	p.proxy, err = peerproxy.NewPeerProxyHandler(p.serverID, bootstrap.IdentitySelector, p.identities.Coordination().V1().Leases(),
		p.leases, g.config.Serializer, g.config.LoopbackClientConfig, &transport.Config{TLS: transport.TLSConfig{
			CAFile: c.Peers.CAFile, CertFile: c.ProxyClientCertFile, KeyFile: c.ProxyClientKeyFile, ReloadTLSFiles: true, ServerName: peerName,
		}})
	if err != nil {
		return nil, fmt.Errorf("building the proxy to other API servers: %w", err)
	}
	return p, nil
}

func (c *Config) peerAddress(securePort int) string {
	ip, port := c.Peers.AdvertiseIP, c.Peers.AdvertisePort
	if ip == "" {
		ip = c.ServerRun.AdvertiseAddress.String()
	}
	if port == "" {
		port = strconv.Itoa(securePort)
	}
	return net.JoinHostPort(ip, port)
}

// announce keeps this server's address where its peers look for it.
func (p *peers) announce(g *generic, server *genericapiserver.GenericAPIServer) {
	if p == nil {
		return
	}
	controller := reconcilers.New(p.serverID, p.address, p.leases, peerInterval, g.client)
	server.AddPostStartHookOrDie("peer-endpoint-reconciler-controller", func(h genericapiserver.PostStartHookContext) error {
		controller.Start(h.Done())
		return nil
	})
	server.AddPreShutdownHookOrDie("peer-endpoint-reconciler-controller", func() error {
		controller.Stop()
		return nil
	})
}

// wrap lets the chain of filters end in the proxy: requests are authenticated and authorized here before they go on.
func (p *peers) wrap(build func(http.Handler, *genericapiserver.Config) http.Handler) func(http.Handler, *genericapiserver.Config) http.Handler {
	if p == nil || p.proxy == nil {
		return build
	}
	return func(api http.Handler, c *genericapiserver.Config) http.Handler {
		return build(p.proxy.WrapHandler(api), c)
	}
}

// follow reads what the other servers serve. Group versions of custom resources and of aggregated servers are the same on all,
// so they are left out.
func (p *peers) follow(agg *aggregator.APIAggregator, crds *apiextensions.CustomResourceDefinitions) error {
	if p == nil || p.proxy == nil {
		return nil
	}
	if err := p.proxy.RegisterCRDInformerHandlers(crds.Informers.Apiextensions().V1().CustomResourceDefinitions().Informer(), definedVersions); err != nil {
		return fmt.Errorf("following custom resources: %w", err)
	}
	if err := p.proxy.RegisterAPIServiceInformerHandlers(agg.APIRegistrationInformers.Apiregistration().V1().APIServices().Informer(), aggregatedVersions); err != nil {
		return fmt.Errorf("following aggregated servers: %w", err)
	}
	for name, hook := range map[string]genericapiserver.PostStartHookFunc{
		"local-discovery-cache-sync": func(h genericapiserver.PostStartHookContext) error {
			go func() { _ = p.proxy.RunLocalDiscoveryCacheSync(h.Done()) }()
			return nil
		},
		"peer-discovery-workers": func(h genericapiserver.PostStartHookContext) error {
			p.identities.Start(h.Done())
			go p.proxy.RunPeerDiscoveryCacheSync(h, peerWorkers)
			go p.proxy.RunPeerDiscoveryActiveGVTracker(h)
			go p.proxy.RunPeerDiscoveryRefilter(h)
			return nil
		},
		"mixed-version-proxy-handler": func(h genericapiserver.PostStartHookContext) error {
			return p.proxy.WaitForCacheSync(h.Done())
		},
	} {
		agg.GenericAPIServer.AddPostStartHookOrDie(name, hook)
	}
	return nil
}

// last returns the object of an informer's event, also of one whose end was missed.
func last(o any) any {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		return gone.Obj
	}
	return o
}

func definedVersions(o any) []schema.GroupVersion {
	crd, ok := last(o).(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return nil
	}
	var out []schema.GroupVersion
	for _, v := range crd.Spec.Versions {
		if v.Served {
			out = append(out, schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name})
		}
	}
	return out
}

func aggregatedVersions(o any) []schema.GroupVersion {
	s, ok := last(o).(*apiregistrationv1.APIService)
	// A service without an address is this very server's.
	if !ok || s.Spec.Service == nil {
		return nil
	}
	return []schema.GroupVersion{{Group: s.Spec.Group, Version: s.Spec.Version}}
}
