package watchpace

import (
	"net/http"
	"time"

	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"
	"k8s.io/utils/clock"
)

// Interval is how long after what was sent last further events are gathered. It is short beside what anybody does with an event,
// and long beside the time between events of a busy resource.
const Interval = 5 * time.Millisecond

// Handler paces the watches that next serves. It belongs directly around the API, inside the filters.
func Handler(next http.Handler, c clock.WithDelayedExecution) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, ok := apirequest.RequestInfoFrom(req.Context())
		// A watch over a WebSocket has a connection of its own and no flushes.
		if !ok || !info.IsResourceRequest || info.Verb != "watch" || req.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, req)
			return
		}
		flusher, ok := w.(http.Flusher)
		if !ok {
			next.ServeHTTP(w, req)
			return
		}
		p := &writer{ResponseWriter: w, flusher: flusher, clock: c}
		defer p.end()
		next.ServeHTTP(responsewriter.WrapForHTTP1Or2(p), req)
	})
}
