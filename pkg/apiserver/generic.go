package apiserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	admissionv1 "k8s.io/api/admission/v1"
	admissionv1beta1 "k8s.io/api/admission/v1beta1"
	v1 "k8s.io/api/core/v1"
	imagepolicyv1alpha1 "k8s.io/api/imagepolicy/v1alpha1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	endpointsopenapi "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/feature"
	utilopenapi "k8s.io/apiserver/pkg/util/openapi"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/client/listers/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/apiserver/authn"
	"tiphys.dev/tiphys/pkg/apiserver/authz"
	"tiphys.dev/tiphys/pkg/apiserver/authz/rbac"
	"tiphys.dev/tiphys/pkg/apiserver/bootstrap"
	"tiphys.dev/tiphys/pkg/apiserver/etcdstore"
	"tiphys.dev/tiphys/pkg/apiserver/openapi"
	"tiphys.dev/tiphys/pkg/apiserver/sharedlist"
	"tiphys.dev/tiphys/pkg/apiserver/stack"
	generatedopenapi "tiphys.dev/tiphys/pkg/generated/openapi"
	"tiphys.dev/tiphys/pkg/informer"
)

// generic is what the three servers of the chain share.
type generic struct {
	config    *genericapiserver.Config
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	informers informers.SharedInformerFactory
	// direct fills the informers from the storages of this server.
	direct      *informer.Direct
	identity    *authn.Result
	rbac        *rbac.Authorizer
	rbacEnabled bool
	securePort  int
	// apiServices is there once the aggregator is built.
	apiServices atomic.Pointer[apiregistration.APIServiceLister]
	// local is the store in this process, if there is one.
	local *etcdstore.Local
	// store opens the storages of all three servers.
	store *etcdstore.Store
	// stores are those that hold the resources.
	stores []storagebackend.Config
	peers  *peers
	// lists shares the lists of the standard groups among requests.
	lists *sharedlist.Lists

	resolver       webhook.ServiceResolver
	admission      []admission.PluginInitializer
	proxyTransport *http.Transport
	nodeDial       utilnet.DialFunc
}

func newGeneric(ctx context.Context, c *Config) (*generic, error) {
	config := genericapiserver.NewConfig(scheme.Codecs)
	config.MergedResourceConfig = defaultResources()
	config.LongRunningFunc = filters.BasicLongRunningRequestCheck(
		sets.NewString("watch", "proxy"), sets.NewString("attach", "exec", "proxy", "log", "portforward"))
	// One list of groups for the whole chain: each server adds its own to it.
	config.AggregatedDiscoveryGroupManager = aggregated.NewResourceManager("apis")
	config.Flagz = c.Flags
	if c.ServerID != "" {
		config.APIServerID = c.ServerID
	}
	// The documents are made when somebody asks for them (package openapi).
	config.SkipOpenAPIInstallation = true
	g := &generic{config: config, lists: sharedlist.New(clock.RealClock{})}

	if err := c.ServerRun.ApplyTo(config); err != nil {
		return nil, fmt.Errorf("applying server settings: %w", err)
	}
	if err := serve(c.SecureServing.SecureServingOptions, config); err != nil {
		return nil, fmt.Errorf("opening the secure port: %w", err)
	}
	_, port, err := config.SecureServing.HostPort()
	if err != nil {
		return nil, err
	}
	g.securePort = port
	if err := c.Enablement.ApplyTo(config, defaultResources(), scheme.Scheme); err != nil {
		return nil, fmt.Errorf("applying --runtime-config: %w", err)
	}
	if err := c.Egress.ApplyTo(config); err != nil {
		return nil, err
	}
	if err := c.Tracing.ApplyTo(config.EgressSelector, config); err != nil {
		return nil, err
	}
	g.setOpenAPI()
	if err := g.setStorage(ctx, c); err != nil {
		return nil, err
	}
	if err := g.setClients(ctx, c); err != nil {
		return nil, err
	}
	if err := g.setIdentity(ctx, c); err != nil {
		return nil, err
	}
	if g.peers, err = newPeers(c, g); err != nil {
		return nil, err
	}
	if err := c.Audit.ApplyTo(config); err != nil {
		return nil, fmt.Errorf("building the audit back-ends: %w", err)
	}
	if err := c.Features.ApplyTo(config, g.client, g.informers); err != nil {
		return nil, err
	}
	return g, g.setAdmission(c)
}

func (g *generic) setOpenAPI() {
	definitions := utilopenapi.GetOpenAPIDefinitionsWithoutDisabledFeatures(generatedopenapi.GetOpenAPIDefinitions)
	namer := endpointsopenapi.NewDefinitionNamer(published(scheme.Scheme), apiextensions.Scheme, aggregatorscheme.Scheme)
	const token = "BearerToken"
	props := spec.SecuritySchemeProps{Description: "Bearer Token authentication", Type: "apiKey", Name: "authorization", In: "header"}

	v2 := genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	v2.Info.Title = "Kubernetes"
	v2.SecurityDefinitions = &spec.SecurityDefinitions{token: {SecuritySchemeProps: props}}
	v3 := genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	v3.Info.Title = "Kubernetes"
	v3.SecuritySchemes = spec3.SecuritySchemes{token: &spec3.SecurityScheme{SecuritySchemeProps: spec3.SecuritySchemeProps{
		Type: props.Type, Description: props.Description, Name: props.Name, In: props.In,
	}}}
	g.config.OpenAPIConfig, g.config.OpenAPIV3Config = v2, v3
}

// published is a scheme for the names in the documents: without the versions that only this process knows, which are the same
// Go types here as the published ones and would be listed beside them, and with those that 1.36 knows but does not serve, which
// upstream lists for the types of all groups.
func published(all *runtime.Scheme) *runtime.Scheme {
	out := runtime.NewScheme()
	for gvk := range all.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		if object, err := all.New(gvk); err == nil {
			out.AddKnownTypeWithName(gvk, object)
		}
	}
	unserved := []schema.GroupVersion{admissionv1.SchemeGroupVersion, admissionv1beta1.SchemeGroupVersion, imagepolicyv1alpha1.SchemeGroupVersion}
	for _, gv := range append(unserved, clientscheme.Scheme.PrioritizedVersionsAllGroups()...) {
		metav1.AddToGroupVersion(out, gv)
	}
	return out
}

// setClients makes the clients with which the server reaches itself: through the loopback listener, in protobuf.
func (g *generic) setClients(ctx context.Context, c *Config) error {
	loopback := g.config.LoopbackClientConfig
	loopback.ContentType = runtime.ContentTypeProtobuf
	loopback.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	loopback.DisableCompression = true
	loopback.QPS = -1
	// They are for people who write manifests; this server writes Endpoints every ten seconds, as long as there are Endpoints.
	loopback.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(loopback)
	if err != nil {
		return fmt.Errorf("building the loopback client: %w", err)
	}
	g.client = client
	if g.dynamic, err = dynamic.NewForConfig(loopback); err != nil {
		return fmt.Errorf("building the loopback client: %w", err)
	}
	g.informers, g.direct = c.Informers, c.Direct
	if g.informers == nil {
		g.direct = &informer.Direct{}
		g.informers = informer.New(informer.Config{Life: ctx, Client: client, Direct: g.direct})
	}

	if es := g.config.EgressSelector; es != nil {
		dial, err := es.Lookup(egressselector.Cluster.AsNetworkContext())
		if err != nil {
			return fmt.Errorf("looking up the egress to nodes: %w", err)
		}
		g.nodeDial = dial
	}
	g.proxyTransport = utilnet.SetTransportDefaults(&http.Transport{DialContext: g.nodeDial, TLSClientConfig: insecureTLS()})
	return nil
}

// dial returns how to reach a network; nil where nothing says other than directly.
func (g *generic) dial(network egressselector.EgressType) (utilnet.DialFunc, error) {
	lookup := g.egressLookup()
	if lookup == nil {
		return nil, nil
	}
	dial, err := lookup(network.AsNetworkContext())
	if err != nil {
		return nil, fmt.Errorf("looking up the egress to the %v network: %w", network, err)
	}
	return dial, nil
}

func (g *generic) egressLookup() egressselector.Lookup {
	if g.config.EgressSelector == nil {
		return nil
	}
	return g.config.EgressSelector.Lookup
}

func (g *generic) setIdentity(ctx context.Context, c *Config) error {
	objects := &tokenObjects{informers: g.informers, client: g.client}
	objects.register()
	// Webhooks for authentication and authorization belong to the control plane's own network.
	dial, err := g.dial(egressselector.ControlPlane)
	if err != nil {
		return err
	}
	result, err := authn.New(ctx, c.Authentication, authn.Dependencies{
		Objects: objects, Secrets: objects.systemSecrets(), Clock: clock.RealClock{}, ServerID: g.config.APIServerID,
		EgressLookup: g.egressLookup(), Dial: dial,
	})
	if err != nil {
		return fmt.Errorf("building the authenticators: %w", err)
	}
	g.identity = result
	// This is what the goroutine of a request does first.
	g.config.Authentication.Authenticator = authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
		stack.Deep()
		return result.Authenticator.AuthenticateRequest(r)
	})
	g.config.Authentication.APIAudiences = c.Authentication.Audiences()
	g.config.Authentication.RequestHeaderConfig = result.RequestHeader
	if result.ClientCA != nil {
		if err := g.config.Authentication.ApplyClientCert(result.ClientCA, g.config.SecureServing); err != nil {
			return fmt.Errorf("announcing the client CA: %w", err)
		}
	}
	if result.RequestHeader != nil {
		if err := g.config.Authentication.ApplyClientCert(result.RequestHeader.CAContentProvider, g.config.SecureServing); err != nil {
			return fmt.Errorf("announcing the front proxy CA: %w", err)
		}
	}
	access, err := authz.New(ctx, c.Authorization, authz.Dependencies{Informers: g.informers, ServerID: g.config.APIServerID, Dial: dial})
	if err != nil {
		return fmt.Errorf("building the authorizers: %w", err)
	}
	g.config.Authorization.Authorizer = access.Authorizer
	g.config.RuleResolver = access.Rules
	g.rbac, g.rbacEnabled = access.RBAC, access.Enabled
	return nil
}

func (g *generic) setAdmission(c *Config) error {
	services := g.informers.Core().V1().Services().Lister()
	var inner aggregator.ServiceResolver
	if c.EnableAggregatorRouting {
		slices, err := g.endpointSlices()
		if err != nil {
			return fmt.Errorf("indexing endpoint slices: %w", err)
		}
		inner = aggregator.NewEndpointServiceResolver(services, slices)
	} else {
		inner = aggregator.NewClusterIPServiceResolver(services)
	}
	if u, err := loopbackURL(g.config.LoopbackClientConfig.Host); err == nil {
		inner = aggregator.NewLoopbackServiceResolver(inner, u)
	}
	g.resolver = inner
	// The admission order is about requests of all three servers, so the chain is built once and shared.
	g.admission = append(g.admission, newWebhookInitializer(g, inner))
	err := c.Admission.ApplyTo(g.config, g.informers, openapi.Sparing(g.client, g.mutates, g.served), g.dynamic, feature.DefaultFeatureGate,
		g.config.EffectiveVersion, g.admission...)
	if err != nil {
		return fmt.Errorf("building the admission chain: %w", err)
	}
	return nil
}

// mutates tells whether there is a mutating admission policy.
func (g *generic) mutates() bool {
	policies, err := g.informers.Admissionregistration().V1().MutatingAdmissionPolicies().Lister().List(labels.Everything())
	return err != nil || len(policies) > 0
}

// served are the group versions that somebody serves, also by an aggregated server.
func (g *generic) served() []schema.GroupVersion {
	services := g.apiServices.Load()
	if services == nil {
		return nil
	}
	all, err := (*services).List(labels.Everything())
	if err != nil {
		return nil
	}
	out := make([]schema.GroupVersion, 0, len(all))
	for _, s := range all {
		out = append(out, schema.GroupVersion{Group: s.Spec.Group, Version: s.Spec.Version})
	}
	return out
}

// node reads a node from the cache, and from the store when the cache does not have it yet.
func (g *generic) node(ctx context.Context, name string) (*v1.Node, error) {
	if n, err := g.informers.Core().V1().Nodes().Lister().Get(name); err == nil {
		return n, nil
	}
	return g.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
}

func (g *generic) trust() bootstrap.Trust {
	t := bootstrap.Trust{ClientCA: g.identity.ClientCA}
	if h := g.identity.RequestHeader; h != nil {
		t.RequestHeaderCA = h.CAContentProvider
		t.AllowedNames, t.UsernameHeaders = h.AllowedClientNames.Value(), h.UsernameHeaders.Value()
		t.GroupHeaders, t.ExtraHeaderPrefixes = h.GroupHeaders.Value(), h.ExtraHeaderPrefixes.Value()
		if h.UIDHeaders != nil {
			t.UIDHeaders = h.UIDHeaders.Value()
		}
	}
	return t
}

func (g *generic) address(c *Config) string {
	return net.JoinHostPort(c.ServerRun.ExternalHost, strconv.Itoa(g.securePort))
}
