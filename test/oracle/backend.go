package oracle

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
)

// backend is an aggregated API server for both: how it behaves follows from the group.
type backend struct{ *httptest.Server }

func newBackend() *backend {
	b := &backend{}
	b.Server = httptest.NewTLSServer(http.HandlerFunc(b.serve))
	return b
}

func (b *backend) given() notes {
	_, port, _ := net.SplitHostPort(b.Listener.Addr().String())
	return notes{"backendPort": port}
}

func (b *backend) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	group := ""
	if len(parts) > 1 {
		group, _, _ = strings.Cut(parts[1], ".")
	}
	switch group {
	case "sick":
		http.Error(w, "sick", http.StatusInternalServerError)
		return
	case "closed":
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	case "cut":
		panic(http.ErrAbortHandler)
	case "html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html></html>")
		return
	}
	last := parts[len(parts)-1]
	switch {
	case r.Method == http.MethodGet && len(parts) == 3 && parts[0] == "apis":
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprintf(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"%s/%s","resources":[{"name":"things","singularName":"thing","namespaced":true,"kind":"Thing","verbs":["get","list"],"shortNames":["th"]},{"name":"things/status","singularName":"","namespaced":true,"kind":"Thing","verbs":["get"]}]}`, parts[1], parts[2])
	case strings.HasPrefix(r.URL.Path, "/openapi"), len(parts) < 3:
		http.NotFound(w, r)
	case last == "teapot":
		w.Header().Set("X-Own", "yes")
		http.Error(w, "short and stout", http.StatusTeapot)
	case last == "redirect":
		http.Redirect(w, r, "/apis/elsewhere", http.StatusFound)
	case last == "away":
		http.Redirect(w, r, "https://example.com/x", http.StatusFound)
	case last == "cutting":
		panic(http.ErrAbortHandler)
	case last == "unavailable":
		http.Error(w, "later", http.StatusServiceUnavailable)
	case last == "warning":
		w.Header().Add("Warning", `299 - "from behind"`)
		fmt.Fprint(w, "ok")
	case last == "status":
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"not there","reason":"NotFound","code":404}`)
	default:
		tell(w, r)
	}
}
