package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/transport"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	listers "k8s.io/kube-aggregator/pkg/client/listers/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	testclock "k8s.io/utils/clock/testing"
)

// aggregated is a server with documents for one group version.
func aggregated(t *testing.T, gv string, hold <-chan struct{}) *url.URL {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(v2Path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"swagger":"2.0","info":{"title":"t","version":"v"},"paths":{"/apis/%s/":{"get":{"operationId":%q,"responses":{"200":{"description":"OK"}}}}}}`, gv, gv)
	})
	mux.HandleFunc(v3Path, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"paths":{"apis/%s":{"serverRelativeURL":"/openapi/v3/apis/%s?hash=1"}}}`, gv, gv)
	})
	mux.HandleFunc(v3Path+"/apis/"+gv, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"openapi":"3.0.0","user":%q}`, r.Header.Get("X-Remote-User"))
	})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hold != nil {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func service(group string) *apiregistrationv1.APIService {
	port := int32(443)
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1." + group},
		Spec: apiregistrationv1.APIServiceSpec{Group: group, Version: "v1", InsecureSkipTLSVerify: true,
			Service: &apiregistrationv1.ServiceReference{Namespace: "default", Name: group, Port: &port}},
		Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{
			{Type: apiregistrationv1.Available, Status: apiregistrationv1.ConditionTrue}}},
	}
}

type fixture struct {
	documents *documents
	services  cache.Indexer
	clock     *testclock.FakeClock
}

func newFixture(t *testing.T, servers map[string]*url.URL) fixture {
	t.Helper()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	clock := testclock.NewFakeClock(time.Unix(1, 0))
	definitions := func(common.ReferenceCallback) map[string]common.OpenAPIDefinition { return nil }
	info := &spec.Info{InfoProps: spec.InfoProps{Title: "Kubernetes", Version: "v1"}}
	d, err := newDocuments(Config{
		V2: &common.Config{Info: info, GetDefinitions: definitions}, V3: &common.OpenAPIV3Config{Info: info, GetDefinitions: definitions},
		Services: listers.NewAPIServiceLister(indexer), Clock: clock,
		Resolve: func(_, name string, _ int32) (*url.URL, error) { return servers[name], nil },
		Transport: func(*apiregistrationv1.APIService) *transport.Config {
			return &transport.Config{TLS: transport.TLSConfig{Insecure: true}}
		},
	}, nil, restful.NewContainer())
	if err != nil {
		t.Fatal(err)
	}
	return fixture{documents: d, services: indexer, clock: clock}
}

func (f fixture) get(t *testing.T, path string) string {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req = req.WithContext(request.WithUser(context.Background(), &user.DefaultInfo{Name: "jane"}))
	w := httptest.NewRecorder()
	f.documents.ServeHTTP(w, req)
	return w.Body.String()
}

func TestAggregatedServersAreMerged(t *testing.T) {
	servers := map[string]*url.URL{"metrics": aggregated(t, "metrics/v1", nil)}
	f := newFixture(t, servers)
	if err := f.services.Add(service("metrics")); err != nil {
		t.Fatal(err)
	}
	root := f.get(t, v3Path)
	if !strings.Contains(root, "/openapi/v3/apis/metrics/v1?hash=1") {
		t.Errorf("%s: %s", v3Path, root)
	}
	var swagger spec.Swagger
	if err := json.Unmarshal([]byte(f.get(t, v2Path)), &swagger); err != nil {
		t.Fatal(err)
	}
	if _, ok := swagger.Paths.Paths["/apis/metrics/v1/"]; !ok {
		t.Errorf("%s has paths %v", v2Path, swagger.Paths.Paths)
	}
	// A single document comes from the aggregated server itself, for the user who asks.
	if got := f.get(t, v3Path+"/apis/metrics/v1"); !strings.Contains(got, `"user":"jane"`) {
		t.Errorf("document: %s", got)
	}
	if err := f.services.Delete(service("metrics")); err != nil {
		t.Fatal(err)
	}
	if root := f.get(t, v3Path); strings.Contains(root, "metrics") {
		t.Errorf("still there after its removal: %s", root)
	}
}

func TestServersThatAreNotAvailableAreLeftOut(t *testing.T) {
	f := newFixture(t, nil)
	s := service("gone")
	s.Status.Conditions[0].Status = apiregistrationv1.ConditionFalse
	if err := f.services.Add(s); err != nil {
		t.Fatal(err)
	}
	if root := f.get(t, v3Path); strings.Contains(root, "gone") {
		t.Error(root)
	}
}

func TestASlowServerKeepsNobodyElseWaiting(t *testing.T) {
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	servers := map[string]*url.URL{"slow": aggregated(t, "slow/v1", hold), "fast": aggregated(t, "fast/v1", nil)}
	t.Cleanup(release)
	f := newFixture(t, servers)
	for _, name := range []string{"slow", "fast"} {
		if err := f.services.Add(service(name)); err != nil {
			t.Fatal(err)
		}
	}
	answer := make(chan string)
	go func() { answer <- f.get(t, v3Path) }()
	// The first request waits for documents nobody ever had, but not for ever.
	waitFor(t, f.clock.HasWaiters)
	waitFor(t, func() bool {
		f.documents.mu.Lock()
		defer f.documents.mu.Unlock()
		r := f.documents.remotes["v1.fast"]
		return r != nil && !r.next.IsZero()
	})
	f.clock.Step(firstFetchTime)
	root := <-answer
	if !strings.Contains(root, "fast") || strings.Contains(root, "slow") {
		t.Errorf("while the slow one is silent: %s", root)
	}
	release()
	waitFor(t, func() bool {
		f.documents.mu.Lock()
		defer f.documents.mu.Unlock()
		return !f.documents.remotes["v1.slow"].next.IsZero()
	})
	if root := f.get(t, v3Path); !strings.Contains(root, "slow") {
		t.Errorf("after it answered: %s", root)
	}
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-deadline:
			t.Fatal("timed out")
		case <-time.After(time.Millisecond):
		}
	}
}
