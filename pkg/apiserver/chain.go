package apiserver

import (
	"net/http"

	genericfeatures "k8s.io/apiserver/pkg/features"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/featuregate"

	"tiphys.dev/tiphys/pkg/apiserver/stack"
)

// buildChain puts the filters before the API. traced tells whether spans are collected.
//
// The filter for traces makes a span of each request and wraps what it writes, each event of a watch, too, even if nobody collects spans. Then
// only requests that are part of a trace already need it: their webhooks are told of which.
func buildChain(api http.Handler, c *genericapiserver.Config, traced bool) http.Handler {
	full := genericapiserver.BuildHandlerChainWithStorageVersionPrecondition(api, c)
	// Without priority and fairness the filter in its place counts the requests, which must be one count.
	if traced || c.FlowControl == nil {
		return stack.Handler(full)
	}
	plain := *c
	plain.FeatureGate = untraced{c.FeatureGate}
	lean := genericapiserver.BuildHandlerChainWithStorageVersionPrecondition(api, &plain)
	return stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if inTrace(r) {
			full.ServeHTTP(w, r)
			return
		}
		lean.ServeHTTP(w, r)
	}))
}

// inTrace tells whether the client says of which trace its request is (W3C Trace Context and Baggage).
func inTrace(r *http.Request) bool {
	return len(r.Header["Traceparent"]) > 0 || len(r.Header["Baggage"]) > 0
}

// untraced are feature gates without tracing.
type untraced struct{ featuregate.FeatureGate }

// Enabled is the gate's, but for tracing.
func (g untraced) Enabled(f featuregate.Feature) bool {
	return f != genericfeatures.APIServerTracing && g.FeatureGate.Enabled(f)
}
