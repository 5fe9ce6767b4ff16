package apiserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
	"tiphys.dev/tiphys/pkg/apiserver/openapi"
	"tiphys.dev/tiphys/pkg/apiserver/reconciler"
	"tiphys.dev/tiphys/pkg/apiserver/router"
	"tiphys.dev/tiphys/pkg/registry"
)

// Server is a built API server.
type Server struct {
	config     *Config
	generic    *generic
	aggregator *aggregator.APIAggregator
	standard   *genericapiserver.GenericAPIServer
}

// New builds the server and its delegation chain. Nothing listens and nothing runs before Run. ctx ends what the built parts
// start for themselves, such as readers of remote keys; give it the life of the server.
func New(ctx context.Context, c *Config) (server *Server, err error) {
	// The port is opened on the way; a server that is not built must not keep it, also when a part of it panics.
	defer func() {
		if l := c.SecureServing.Listener; server == nil && l != nil {
			err = errors.Join(err, l.Close())
			c.SecureServing.Listener = nil
		}
	}()
	if err := c.complete(); err != nil {
		return nil, err
	}
	g, err := newGeneric(ctx, c)
	if err != nil {
		return nil, err
	}
	notFound := genericapiserver.NewEmptyDelegateWithCustomHandler(notFoundHandler(g.config))
	crds, err := newCustomResources(c, g, notFound)
	if err != nil {
		return nil, fmt.Errorf("building the server of custom resources: %w", err)
	}
	standard, err := newStandard(c, g, crds.GenericAPIServer)
	if err != nil {
		return nil, fmt.Errorf("building the server of the standard groups: %w", err)
	}
	agg, err := newAggregator(c, g, standard, crds)
	if err != nil {
		return nil, fmt.Errorf("building the aggregator: %w", err)
	}
	// The types of fields are known now; for documents the definitions are made again (package openapi).
	g.config.OpenAPIV3Config.Definitions = nil
	return &Server{config: c, generic: g, aggregator: agg, standard: standard}, nil
}

// Run serves until ctx ends, then drains: readyz fails first, running requests end, connections close.
func (s *Server) Run(ctx context.Context) error {
	// Not the aggregator's own PrepareRun: all it would add are OpenAPI documents that are built now and polled every second.
	return s.aggregator.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}

// LoopbackConfig reaches this server from inside the process, with every right.
func (s *Server) LoopbackConfig() *rest.Config { return s.generic.config.LoopbackClientConfig }

// Informers are the server's own, filled once it runs.
func (s *Server) Informers() informers.SharedInformerFactory { return s.generic.informers }

// Client is a client of LoopbackConfig.
func (s *Server) Client() kubernetes.Interface { return s.generic.client }

// newStandard builds the server of the standard groups and hooks the parts that keep its own objects right.
func newStandard(c *Config, g *generic, delegate genericapiserver.DelegationTarget) (*genericapiserver.GenericAPIServer, error) {
	server, err := g.config.Complete(g.informers).New("kube-apiserver", delegate)
	if err != nil {
		return nil, err
	}
	server.Handler.GoRestfulContainer.Router(&router.Router{})
	openapi.InstallLocal(server, g.config.OpenAPIConfig, g.config.OpenAPIV3Config)
	kubelets, err := kubeletclient.New(c.Kubelet, g.node, g.nodeDial)
	if err != nil {
		return nil, err
	}
	tokens, err := c.tokens(g.identity.Signer)
	if err != nil {
		return nil, err
	}
	lifecycle, err := g.lifecycle()
	if err != nil {
		return nil, err
	}
	installed, err := registry.Install(server, registry.Config{
		Generic:          g.config,
		Lifecycle:        lifecycle,
		Serializer:       g.lists.Serializer,
		Getter:           g.config.RESTOptionsGetter,
		Enabled:          g.config.MergedResourceConfig,
		Client:           g.client,
		Informers:        g.informers,
		Authorizer:       g.config.Authorization.Authorizer,
		Rules:            g.config.RuleResolver,
		RBAC:             g.rbac,
		CheckEscalation:  g.rbacEnabled,
		Authenticator:    g.config.Authentication.Authenticator,
		Audiences:        c.Authentication.Audiences(),
		Issuer:           tokens.issuer,
		MaxExpiration:    tokens.maxExpiration,
		MaxExtension:     tokens.maxExtension,
		Components:       g.components(),
		ExtendExpiration: c.Authentication.ServiceAccounts.ExtendExpiration,
		Kubelets:         kubelets,
		ProxyTransport:   g.proxyTransport,
		EventTTL:         c.EventTTL,
		ServiceRanges:    c.ServiceClusterIPRanges,
		NodePorts:        c.ServiceNodePortRange,
		AllowPrivileged:  c.AllowPrivileged,
		Clock:            clock.RealClock{},
	})
	if err != nil {
		return nil, err
	}
	g.direct.Serve(installed.Storages)
	if err := addDiscoveryDocuments(c, g, server); err != nil {
		return nil, err
	}
	leases, err := g.serverLeases(server)
	if err != nil {
		return nil, err
	}
	endpoint, err := reconciler.New(reconciler.Config{
		Leases: leases,
		Client: g.client, Informers: g.informers, Type: c.EndpointReconciler, Count: c.APIServerCount, Ready: g.ready,
		AdvertiseAddress: c.ServerRun.AdvertiseAddress, SecurePort: g.securePort,
		ServiceRanges: c.ServiceClusterIPRanges, NodePort: c.KubernetesServiceNodePort,
		ServerID: g.config.APIServerID, Clock: clock.RealClock{},
	})
	if err != nil {
		return nil, err
	}
	server.AddPreShutdownHookOrDie("stop-kubernetes-service-controller", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return endpoint.Stop(ctx)
	})
	addHooks(c, g, server, installed, endpoint)
	return server, nil
}

// serverLeases keeps the signs of living servers where endpoints are stored. Nobody else uses the store of this process, and nil says so.
func (g *generic) serverLeases(server *genericapiserver.GenericAPIServer) (reconciler.Leases, error) {
	if g.local != nil {
		return nil, nil
	}
	opts, err := g.config.RESTOptionsGetter.GetRESTOptions(schema.GroupResource{Resource: "endpoints"}, &v1.Endpoints{})
	if err != nil {
		return nil, fmt.Errorf("storage of server leases: %w", err)
	}
	leases, destroy, err := reconciler.NewLeases(opts.StorageConfig)
	if err != nil {
		return nil, err
	}
	server.RegisterDestroyFunc(destroy)
	return leases, nil
}
