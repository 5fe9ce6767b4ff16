package connect

import (
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/registry/rest"
	translate "k8s.io/apiserver/pkg/util/proxy"
)

// ProxyMethods are the HTTP methods that a proxy subresource takes.
var ProxyMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// StreamMethods are those of exec, attach and port forwarding.
var StreamMethods = []string{"GET", "POST"}

// Proxy hands every request on to the location; rewrite makes links in answers point back at the proxy.
func Proxy(location *url.URL, transport http.RoundTripper, rewrite bool, r rest.Responder) http.Handler {
	return proxy.NewUpgradeAwareHandler(location, transport, rewrite, false, proxy.NewErrorResponder(r))
}

// Stream opens an upgraded connection to the location. Clients that speak version 5 of the WebSocket protocol are translated
// to SPDY, which is what runtimes speak; others pass as they are. pace is the most bytes a second, 0 for no limit.
func Stream(location *url.URL, transport http.RoundTripper, pace int64, o translate.Options, r rest.Responder) http.Handler {
	direct := upgrade(location, transport, pace, r)
	translator := translate.NewStreamTranslatorHandler(location, transport, pace, o)
	return translate.NewTranslatingHandler(direct, translator, func(req *http.Request) bool {
		return wsstream.IsWebSocketRequestWithStreamCloseProtocol(req)
	})
}

// Tunnel opens a connection for port forwarding. SPDY inside WebSocket is unwrapped.
func Tunnel(location *url.URL, transport http.RoundTripper, pace int64, r rest.Responder) http.Handler {
	direct := upgrade(location, transport, pace, r)
	tunnel := translate.NewTunnelingHandler(direct)
	return translate.NewTranslatingHandler(direct, tunnel, wsstream.IsWebSocketRequestWithTunnelingProtocol)
}

func upgrade(location *url.URL, transport http.RoundTripper, pace int64, r rest.Responder) http.Handler {
	h := proxy.NewUpgradeAwareHandler(location, transport, false, true, proxy.NewErrorResponder(r))
	h.MaxBytesPerSec = pace
	return h
}
