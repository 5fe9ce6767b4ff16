package externalsigner

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/utils/clock"
)

// The metrics are upstream's. They are registered where the generic API server serves all of its own.
var (
	fetchedAt = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Namespace: "apiserver", Subsystem: "externaljwt", Name: "fetch_keys_success_timestamp", StabilityLevel: metrics.ALPHA,
		Help: "Unix Timestamp in seconds of the last successful FetchKeys request",
	}, nil)
	dataFrom = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Namespace: "apiserver", Subsystem: "externaljwt", Name: "fetch_keys_data_timestamp", StabilityLevel: metrics.ALPHA,
		Help: "Unix Timestamp in seconds of the last successful FetchKeys data_timestamp value returned by the external signer",
	}, nil)
	fetches = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "apiserver", Subsystem: "externaljwt", Name: "fetch_keys_request_total", StabilityLevel: metrics.ALPHA,
		Help: "Total attempts at syncing supported JWKs",
	}, []string{"code"})
	signs = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "apiserver", Subsystem: "externaljwt", Name: "sign_request_total", StabilityLevel: metrics.ALPHA,
		Help: "Total attempts at signing JWT",
	}, []string{"code"})
	duration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace: "apiserver", Subsystem: "externaljwt", Name: "request_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "Request duration and time for calls to external-jwt-signer",
		Buckets: metrics.ExponentialBuckets(0.001, 2, 16),
	}, []string{"method", "code"})
)

var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(fetchedAt, dataFrom, fetches, signs, duration)
})

// measure counts and times the calls.
func measure(c clock.PassiveClock) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		started := c.Now()
		err := invoke(ctx, method, req, reply, cc, opts...)
		code := status.Code(err).String()
		name := method[strings.LastIndex(method, "/")+1:]
		duration.WithLabelValues(name, code).Observe(c.Since(started).Seconds())
		switch name {
		case "FetchKeys":
			fetches.WithLabelValues(code).Inc()
		case "Sign":
			signs.WithLabelValues(code).Inc()
		}
		return err
	}
}
