package apiserver

import (
	"crypto/tls"
	"net/http"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apiserver/pkg/admission"
	webhookinit "k8s.io/apiserver/pkg/admission/plugin/webhook/initializer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/apiserver/pkg/util/proxy"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// notFoundHandler ends the chain. Until every server has registered its paths it answers 503 rather than 404, so that no
// controller takes a starting server's silence for the absence of a kind.
func notFoundHandler(config *genericapiserver.Config) http.Handler {
	return notfoundhandler.New(config.Serializer, filters.NoMuxAndDiscoveryIncompleteKey)
}

// insecureTLS is for the proxies to pods, services and nodes: what they serve has no certificate anybody could check.
func insecureTLS() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// hostLogs is what upstream's server shows at /logs/.
const hostLogs = "/var/log"

// serveLogs shows files of the host, where the flag asks for it.
func serveLogs(server *genericapiserver.GenericAPIServer) {
	files := http.StripPrefix("/logs/", http.FileServer(http.Dir(hostLogs)))
	server.Handler.NonGoRestfulMux.UnlistedHandlePrefix("/logs/", files)
	server.Handler.NonGoRestfulMux.Handle("/logs", http.RedirectHandler("/logs/", http.StatusMovedPermanently))
}

func newAuthResolver(g *generic) webhook.AuthenticationInfoResolverWrapper {
	return webhook.NewDefaultAuthenticationInfoResolverWrapper(g.proxyTransport, g.config.EgressSelector, g.config.LoopbackClientConfig, g.config.TracerProvider)
}

func newWebhookInitializer(g *generic, resolver webhook.ServiceResolver) admission.PluginInitializer {
	return webhookinit.NewPluginInitializer(newAuthResolver(g), resolver)
}

// endpointSlices finds the endpoints of a service for the aggregator.
func (g *generic) endpointSlices() (proxy.EndpointSliceGetter, error) {
	return proxy.NewEndpointSliceIndexerGetter(g.informers.Discovery().V1().EndpointSlices())
}

// addDiscoveryDocuments serves the keys with which others verify service account tokens. An issuer that is no URL has none;
// then the paths are not served, and the log says why.
func addDiscoveryDocuments(c *Config, g *generic, server *genericapiserver.GenericAPIServer) error {
	sa := c.Authentication.ServiceAccounts
	if len(sa.Issuers) == 0 || g.identity.Keys == nil {
		return nil
	}
	docs, err := serviceaccount.NewDocuments(sa.Issuers[0], sa.JWKSURI, g.address(c), g.identity.Keys)
	if err != nil {
		klog.InfoS("Not serving the keys of service account tokens", "reason", err)
		return nil
	}
	server.Handler.GoRestfulContainer.Add(documentService(serviceaccount.ConfigurationPath, "application/json", docs.ServeConfiguration,
		"get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'", "getServiceAccountIssuerOpenIDConfiguration"))
	server.Handler.GoRestfulContainer.Add(documentService(serviceaccount.KeysPath, "application/jwk-set+json", docs.ServeKeys,
		"get service account issuer OpenID JSON Web Key Set (contains public token verification keys)", "getServiceAccountIssuerOpenIDKeyset"))
	return nil
}

// documentService describes a handler, so that the OpenAPI documents list it.
func documentService(path, kind string, handler http.HandlerFunc, doc, operation string) *restful.WebService {
	s := new(restful.WebService).Path(path).Produces(kind)
	return s.Route(s.GET("").To(func(req *restful.Request, resp *restful.Response) {
		handler(resp.ResponseWriter, req.Request)
	}).Doc(doc).Operation(operation).Writes(""))
}
