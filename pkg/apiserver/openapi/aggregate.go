package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/client-go/transport"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	listers "k8s.io/kube-aggregator/pkg/client/listers/apiregistration/v1"
	v2 "k8s.io/kube-aggregator/pkg/controllers/openapi/aggregator"
	v3 "k8s.io/kube-aggregator/pkg/controllers/openapiv3/aggregator"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/utils/clock"
)

// Config is what the merged documents are made of.
type Config struct {
	// Server is the head of the delegation chain, built with SkipOpenAPIInstallation. The documents of its own routes, of its
	// delegates and of the aggregated servers are merged.
	Server *genericapiserver.GenericAPIServer
	V2     *common.Config
	V3     *common.OpenAPIV3Config
	// Services are the aggregated servers, Resolve and Transport the way to them.
	Services  listers.APIServiceLister
	Resolve   func(namespace, name string, port int32) (*url.URL, error)
	Transport func(*apiregistrationv1.APIService) *transport.Config
	Clock     clock.WithDelayedExecution
}

// How old the documents may be: those of this process change when a custom resource does, and looking is cheap.
const (
	localAge  = time.Second
	remoteAge = time.Minute
	// fetchTime bounds one fetch, firstFetchTime how long a client waits for the documents of servers that were never asked.
	fetchTime      = 30 * time.Second
	firstFetchTime = 3 * time.Second
)

// Install serves the merged documents from the head of the chain. It is called when all servers of the chain have their routes.
func Install(c Config) *Documents {
	container := c.Server.Handler.GoRestfulContainer
	handler := &onDemand{idle: idle, clock: c.Clock, build: func() (http.Handler, error) {
		return newDocuments(c, c.Server.NextDelegate(), container)
	}}
	install(c.Server, handler)
	return &Documents{handler}
}

// documents are the merged documents and what keeps them fresh.
type documents struct {
	cfg Config
	mux *mux.PathRecorderMux
	v2  v2.SpecAggregator
	v3  v3.SpecProxier

	mu      sync.Mutex
	looked  time.Time
	locals  []string
	remotes map[string]*remote
}

func newDocuments(c Config, chain genericapiserver.DelegationTarget, container *restful.Container) (*documents, error) {
	d := &documents{cfg: c, mux: mux.NewPathRecorderMux("openapi"), remotes: map[string]*remote{}}
	downloader := v2.NewDownloader()
	var err error
	if d.v2, err = v2.BuildAndRegisterAggregator(&downloader, chain, container.RegisteredWebServices(), c.V2, d.mux); err != nil {
		return nil, err
	}
	if d.v3, err = v3.BuildAndRegisterAggregator(v3.NewDownloader(), chain, container, c.V3, d.mux); err != nil {
		return nil, err
	}
	d.looked, d.locals = c.Clock.Now(), d.v3.GetAPIServiceNames()
	return d, nil
}

// ServeHTTP brings the documents up to date and serves one.
func (d *documents) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if err := d.refresh(req.Context()); err != nil {
		utilruntime.HandleErrorWithContext(req.Context(), err, "Refreshing the OpenAPI documents")
	}
	d.mux.ServeHTTP(w, req)
}

func (d *documents) refresh(ctx context.Context) error {
	d.mu.Lock()
	waits, err := d.refreshLocked()
	d.mu.Unlock()
	// Only documents that nobody ever had are waited for; older ones do while new ones are on their way.
	timeout := d.cfg.Clock.After(firstFetchTime)
	for _, done := range waits {
		select {
		case <-done:
		case <-timeout:
			return err
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// refreshLocked returns the first fetches that are under way.
func (d *documents) refreshLocked() (waits []chan struct{}, err error) {
	now := d.cfg.Clock.Now()
	if now.Sub(d.looked) >= localAge {
		d.looked = now
		// The documents of version 2 look for changes by themselves.
		for _, name := range d.locals {
			if e := d.v3.UpdateAPIServiceSpec(name); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	}
	services, listErr := d.cfg.Services.List(labels.Everything())
	if listErr != nil {
		return nil, listErr
	}
	wanted := map[string]bool{}
	for _, s := range services {
		if s.Spec.Service == nil || !helper.IsAPIServiceConditionTrue(s, apiregistrationv1.Available) {
			continue
		}
		wanted[s.Name] = true
		if e := d.ensureLocked(s); e != nil {
			err = e
		}
	}
	for name, r := range d.remotes {
		if !wanted[name] {
			d.v2.RemoveAPIService(name)
			d.v3.RemoveAPIServiceSpec(name)
			delete(d.remotes, name)
			continue
		}
		if r.fetching == nil && !now.Before(r.next) {
			r.fetching = make(chan struct{})
			go d.fetch(r)
		}
		if r.fetching != nil && r.next.IsZero() {
			waits = append(waits, r.fetching)
		}
	}
	return waits, err
}

// ensureLocked makes a source for an aggregated server, anew when its description has changed.
func (d *documents) ensureLocked(s *apiregistrationv1.APIService) error {
	old := d.remotes[s.Name]
	if old != nil && old.service.UID == s.UID && equality.Semantic.DeepEqual(old.service.Spec, s.Spec) {
		return nil
	}
	via, err := transport.New(d.cfg.Transport(s))
	if err != nil {
		return fmt.Errorf("reaching APIService %s: %w", s.Name, err)
	}
	r := &remote{service: s, resolve: d.cfg.Resolve, transport: via, fetched: map[string]*fetchedDocument{}}
	d.remotes[s.Name] = r
	d.v3.AddUpdateAPIService(r, s)
	return d.v2.AddUpdateAPIService(s, r)
}

// fetch fills a source and has it merged.
func (d *documents) fetch(r *remote) {
	defer utilruntime.HandleCrash()
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	err := r.fetch(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	// Who waits goes on when all is merged.
	defer func() {
		close(r.fetching)
		r.fetching, r.next = nil, d.cfg.Clock.Now().Add(remoteAge)
	}()
	if err == nil && d.remotes[r.service.Name] == r {
		err = errors.Join(d.v2.UpdateAPIServiceSpec(r.service.Name), d.v3.UpdateAPIServiceSpec(r.service.Name))
	}
	// A server without documents is no failure.
	if err != nil && !errors.Is(err, v2.ErrAPIServiceNotFound) {
		utilruntime.HandleErrorWithContext(ctx, err, "Fetching the OpenAPI documents of an aggregated server")
	}
}
