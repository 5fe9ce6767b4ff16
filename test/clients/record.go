package clients

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// recorder stands between a tool and a server and notes what they say to each other.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]bool
	wrote []string
}

// record starts one, with the rights of cfg.
func record(t *testing.T, cfg *rest.Config) *recorder {
	t.Helper()
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{asked: map[string]bool{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: r.note,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	r.Server = httptest.NewServer(proxy)
	t.Cleanup(r.CloseClientConnections)
	return r
}

// note keeps each kind of request once, as how often a tool polls is chance, and the answers to writes in their order.
func (r *recorder) note(resp *http.Response) error {
	req := resp.Request
	query := req.URL.Query()
	// How long a tool waits is its own choice of chance; a version is of one server's store.
	for _, k := range []string{"timeout", "timeoutSeconds", "resourceVersion", "continue", "hash"} {
		query.Del(k)
	}
	// kubectl builds this one from a map.
	if f := query.Get("fieldSelector"); f != "" {
		terms := strings.Split(f, ",")
		slices.Sort(terms)
		query.Set("fieldSelector", strings.Join(terms, ","))
	}
	code := resp.StatusCode
	if strings.HasPrefix(req.URL.Path, "/openapi/") && code == http.StatusNotModified {
		return nil // a document changed while a definition came: whether before or after it was asked for is chance
	}
	line := fmt.Sprintf("%s %s?%s: %d %s", req.Method, req.URL.Path, query.Encode(), code, resp.Header.Get("Content-Type"))
	line += " " + strings.Join(resp.Header.Values("Warning"), ", ")
	var answer string
	if req.Method != http.MethodGet && resp.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		answer = normalize(pretty(body))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[normalize(line)] = true
	if answer != "" {
		r.wrote = append(r.wrote, normalize(line)+"\n"+answer)
	}
	return nil
}

// take returns what was noted and forgets it. Writes are sorted: tools send some of them at the same time.
func (r *recorder) take() (asked, wrote []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range r.asked {
		asked = append(asked, line)
	}
	wrote = r.wrote
	r.asked, r.wrote = map[string]bool{}, nil
	slices.Sort(asked)
	slices.Sort(wrote)
	return asked, wrote
}

// kubeconfig leads a tool to the recorder.
func (r *recorder) kubeconfig(t *testing.T) string {
	t.Helper()
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["c"] = &clientcmdapi.Cluster{Server: r.URL}
	cfg.Contexts["c"] = &clientcmdapi.Context{Cluster: "c"}
	cfg.CurrentContext = "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// shadow keeps a variable of the environment of this process from a tool.
func shadow(env []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(names, name)
	})
}
