package router

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/emicklei/go-restful/v3"
)

func services() []*restful.WebService {
	core := new(restful.WebService).Path("/api/v1").Consumes("*/*").Produces("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
	nothing := func(*restful.Request, *restful.Response) {}
	for _, resource := range []string{"pods", "configmaps", "secrets", "services", "endpoints", "events", "replicationcontrollers", "podtemplates"} {
		core.Route(core.GET("/" + resource).To(nothing))
		core.Route(core.GET("/watch/" + resource).To(nothing))
		one := "/namespaces/{namespace}/" + resource
		core.Route(core.GET(one).To(nothing))
		core.Route(core.POST(one).To(nothing))
		for _, path := range []string{one + "/{name}", one + "/{name}/status"} {
			core.Route(core.GET(path).To(nothing))
			core.Route(core.PUT(path).To(nothing))
			core.Route(core.PATCH(path).Consumes("application/json-patch+json", "application/merge-patch+json").To(nothing))
		}
		core.Route(core.GET(one + "/{name}/proxy/{path:*}").To(nothing))
	}
	core.Route(core.GET("/namespaces/{name}").To(nothing))
	core.Route(core.GET("/namespaces/{name}/status").To(nothing))
	core.Route(core.GET("/").To(nothing))
	apps := new(restful.WebService).Path("/apis/apps/v1").Produces("application/json")
	apps.Route(apps.GET("/namespaces/{namespace}/deployments/{name}").To(nothing))
	return []*restful.WebService{core, apps}
}

func request(method, path, accept, content string) *http.Request {
	req := httptest.NewRequest(method, path, nil)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if content != "" {
		req.Header.Set("Content-Type", content)
	}
	return req
}

// TestAsCurlyRouter asks both, for each request three times, so that what was remembered for one is tried on others.
func TestAsCurlyRouter(t *testing.T) {
	all := services()
	r := &Router{}
	var paths []string
	for _, a := range []string{"", "pods", "a", "status", "namespaces", "watch", "watch/pods", "namespaces/pods", "namespaces/a", "namespaces/a/status", "namespaces/status/pods",
		"namespaces/a/pods", "namespaces/a/pods/", "namespaces//pods", "namespaces/a/pods/b", "namespaces/a/pods/pods", "namespaces/a/pods/b/status", "namespaces/a/pods/b/log",
		"namespaces/a/pods/b/proxy/c", "namespaces/a/pods/b/proxy/c/d/pods", "namespaces/a/pods/b/proxy", "namespaces/a/pods/b/proxy/c/d/e/f/g/h/i/j/k/l", "namespaces/a/none/b"} {
		paths = append(paths, "/api/v1/"+a)
	}
	paths = append(paths, "/api/v1", "/apis/apps/v1/namespaces/a/deployments/b", "/apis/apps/v1/namespaces/a/pods/b", "/other", "/")
	for range 3 {
		for _, path := range paths {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				for _, accept := range []string{"", "application/json", "application/vnd.kubernetes.protobuf", "text/none", "*/*"} {
					for _, content := range []string{"", "application/json", "application/merge-patch+json"} {
						req := request(method, path, accept, content)
						_, want, wantErr := restful.CurlyRouter{}.SelectRoute(all, req)
						_, got, err := r.SelectRoute(all, req)
						if text(want) != text(got) || fmt.Sprint(wantErr) != fmt.Sprint(err) {
							t.Fatalf("%s %s, %q, %q: %s %v, want %s %v", method, path, accept, content, text(got), err, text(want), wantErr)
						}
					}
				}
			}
		}
	}
}

func text(r *restful.Route) string {
	if r == nil {
		return "none"
	}
	return r.Method + " " + r.Path
}

func TestNewServicesAreFound(t *testing.T) {
	all := services()
	r := &Router{}
	req := request("GET", "/apis/apps/v1/namespaces/a/deployments/b", "", "")
	if _, _, err := r.SelectRoute(all[:1], req); err == nil {
		t.Fatal("found what is not there")
	}
	if _, _, err := r.SelectRoute(all, req); err != nil {
		t.Fatal(err)
	}
}

func TestExpressionsAreLeftAlone(t *testing.T) {
	s := new(restful.WebService).Path("/x")
	s.Route(s.GET("/{number:[0-9]+}").To(func(*restful.Request, *restful.Response) {}))
	r := &Router{}
	if _, _, err := r.SelectRoute([]*restful.WebService{s}, request("GET", "/x/1", "", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.SelectRoute([]*restful.WebService{s}, request("GET", "/x/a", "", "")); err == nil {
		t.Fatal("took a word for a number")
	}
}

func BenchmarkSelectRoute(b *testing.B) {
	all := services()
	req := request("GET", "/api/v1/namespaces/a/pods/b", "application/vnd.kubernetes.protobuf", "")
	for name, r := range map[string]restful.RouteSelector{"curly": restful.CurlyRouter{}, "remembered": &Router{}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.SelectRoute(all, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
