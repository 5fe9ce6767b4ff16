package componentserver

import (
	"context"
	"net/url"
	"sync"
	"time"

	clientmetrics "k8s.io/client-go/tools/metrics"
	"k8s.io/component-base/metrics"
)

// clientRegistry holds the rest_client_* metrics. client-go has one place for them in a process and takes the first who asks, so
// they belong to the process, like process_*.
var clientRegistry = sync.OnceValue(func() metrics.KubeRegistry {
	histogram := func(name, help string, buckets []float64, labels ...string) *metrics.HistogramVec {
		return metrics.NewHistogramVec(&metrics.HistogramOpts{Name: name, Help: help, Buckets: buckets, StabilityLevel: metrics.ALPHA}, labels)
	}
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		return metrics.NewCounterVec(&metrics.CounterOpts{Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
	}
	seconds := []float64{0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0}
	bytes := []float64{64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}
	m := struct {
		duration, limiter, request, response *metrics.HistogramVec
		requests, retries                    *metrics.CounterVec
	}{
		duration: histogram("rest_client_request_duration_seconds", "Request latency in seconds. Broken down by verb, and host.", seconds, "verb", "host"),
		limiter:  histogram("rest_client_rate_limiter_duration_seconds", "Client side rate limiter latency in seconds. Broken down by verb, and host.", seconds, "verb", "host"),
		request:  histogram("rest_client_request_size_bytes", "Request size in bytes. Broken down by verb and host.", bytes, "verb", "host"),
		response: histogram("rest_client_response_size_bytes", "Response size in bytes. Broken down by verb and host.", bytes, "verb", "host"),
		requests: counter("rest_client_requests_total", "Number of HTTP requests, partitioned by status code, method, and host.", "code", "method", "host"),
		retries:  counter("rest_client_request_retries_total", "Number of request retries, partitioned by status code, verb, and host.", "code", "verb", "host"),
	}
	r := metrics.NewKubeRegistry()
	r.MustRegister(m.duration, m.limiter, m.request, m.response, m.requests, m.retries)
	clientmetrics.Register(clientmetrics.RegisterOpts{
		RequestLatency: latency{m.duration}, RateLimiterLatency: latency{m.limiter}, RequestSize: size{m.request}, ResponseSize: size{m.response},
		RequestResult: result{m.requests}, RequestRetry: retry{m.retries},
	})
	return r
})

type latency struct{ *metrics.HistogramVec }

// Observe implements the metric of client-go. Of the address only the host is kept: paths would be without number.
func (l latency) Observe(ctx context.Context, verb string, u url.URL, d time.Duration) {
	l.WithContext(ctx).WithLabelValues(verb, u.Host).Observe(d.Seconds())
}

type size struct{ *metrics.HistogramVec }

// Observe implements the metric of client-go.
func (s size) Observe(ctx context.Context, verb, host string, n float64) {
	s.WithContext(ctx).WithLabelValues(verb, host).Observe(n)
}

type result struct{ *metrics.CounterVec }

// Increment implements the metric of client-go.
func (r result) Increment(ctx context.Context, code, method, host string) {
	r.WithContext(ctx).WithLabelValues(code, method, host).Inc()
}

type retry struct{ *metrics.CounterVec }

// IncrementRetry implements the metric of client-go.
func (r retry) IncrementRetry(ctx context.Context, code, verb, host string) {
	r.WithContext(ctx).WithLabelValues(code, verb, host).Inc()
}
