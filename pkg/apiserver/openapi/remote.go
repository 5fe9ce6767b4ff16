package openapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	proxyutil "k8s.io/apiserver/pkg/util/proxy"
	"k8s.io/apiserver/pkg/util/responsewriter"
	"k8s.io/client-go/transport"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// fetcher is who asks aggregated servers for documents when no client's request does.
const fetcher = "system:aggregator"

// remote is the source of one aggregated server's documents. What the merging asks for is answered from what the last fetch
// brought, so that merging never waits for the network; all else goes to the server.
type remote struct {
	service   *apiregistrationv1.APIService
	resolve   func(namespace, name string, port int32) (*url.URL, error)
	transport http.RoundTripper

	// next is when the documents are due again; fetching is open while a fetch runs. Both belong to the owner's lock.
	next     time.Time
	fetching chan struct{}

	mu      sync.Mutex
	fetched map[string]*fetchedDocument
}

// fetchedDocument is an answer of the aggregated server.
type fetchedDocument struct {
	code   int
	header http.Header
	body   []byte
}

// fetch asks for the documents that merging wants. Those that could not be had keep their last answer.
func (r *remote) fetch(ctx context.Context) error {
	ctx = request.WithUser(ctx, &user.DefaultInfo{Name: fetcher})
	for _, path := range []string{v2Path, v3Path} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/json")
		w := responsewriter.NewInMemoryResponseWriter()
		r.proxy(w, req)
		if code := w.RespCode(); code != http.StatusOK && code != http.StatusNotFound {
			return fmt.Errorf("%s of APIService %s: status %d", path, r.service.Name, code)
		}
		r.mu.Lock()
		r.fetched[path] = &fetchedDocument{code: w.RespCode(), header: w.Header(), body: w.Data()}
		r.mu.Unlock()
	}
	return nil
}

// ServeHTTP answers the merging, and clients that ask for the document of one group version.
func (r *remote) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path != v2Path && req.URL.Path != v3Path {
		r.proxy(w, req)
		return
	}
	r.mu.Lock()
	d := r.fetched[req.URL.Path]
	r.mu.Unlock()
	if d == nil {
		http.Error(w, "not fetched yet", http.StatusServiceUnavailable)
		return
	}
	if etag := d.header.Get("Etag"); etag != "" && etag == req.Header.Get("If-None-Match") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	for k, v := range d.header {
		w.Header()[k] = v
	}
	w.WriteHeader(d.code)
	_, _ = w.Write(d.body)
}

// proxy sends the request to the aggregated server on behalf of its user.
func (r *remote) proxy(w http.ResponseWriter, req *http.Request) {
	who, ok := request.UserFrom(req.Context())
	if !ok {
		http.Error(w, "missing user", http.StatusInternalServerError)
		return
	}
	s := r.service.Spec.Service
	address, err := r.resolve(s.Namespace, s.Name, *s.Port)
	if err != nil {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	location := &url.URL{Scheme: "https", Host: address.Host, Path: req.URL.Path, RawQuery: req.URL.RawQuery}
	onward, cancel := proxyutil.NewRequestForProxy(location, req)
	defer cancel()
	via := transport.NewAuthProxyRoundTripper(who.GetName(), who.GetUID(), who.GetGroups(), who.GetExtra(), r.transport)
	proxy.NewUpgradeAwareHandler(location, via, true, false, failed{w}).ServeHTTP(w, onward)
}

// failed answers when the aggregated server cannot be reached.
type failed struct{ w http.ResponseWriter }

func (f failed) Error(_ http.ResponseWriter, _ *http.Request, err error) {
	http.Error(f.w, err.Error(), http.StatusServiceUnavailable)
}
