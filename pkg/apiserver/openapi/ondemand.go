package openapi

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// onDemand is a handler that exists from the first request until idle has passed without one.
type onDemand struct {
	build func() (http.Handler, error)
	idle  time.Duration
	clock clock.WithDelayedExecution

	mu      sync.Mutex
	handler http.Handler
	last    time.Time
	timer   clock.Timer
}

// ServeHTTP builds the handler if need be. A failed build is reported to the client and tried again by the next request.
func (o *onDemand) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	handler, err := o.get()
	if err != nil {
		http.Error(w, "building the OpenAPI documents: "+err.Error(), http.StatusInternalServerError)
		return
	}
	handler.ServeHTTP(w, req)
}

func (o *onDemand) get() (http.Handler, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.clock.Now()
	if o.handler != nil {
		return o.handler, nil
	}
	handler, err := o.build()
	if err != nil {
		return nil, err
	}
	o.handler = handler
	o.timer = o.clock.AfterFunc(o.idle, func() { go o.forget() })
	return handler, nil
}

// peek returns the handler if it exists.
func (o *onDemand) peek() http.Handler {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.handler
}

// forget drops the handler if it has been idle for long enough, and looks again later if not.
func (o *onDemand) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if rest := o.idle - o.clock.Since(o.last); rest > 0 {
		o.timer = o.clock.AfterFunc(rest, func() { go o.forget() })
		return
	}
	o.handler, o.timer = nil, nil
}

// close ends the timer.
func (o *onDemand) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.timer.Stop()
	}
}
