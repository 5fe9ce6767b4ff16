package oracle

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// collector takes traces as an OpenTelemetry collector does.
type collector struct {
	collectortrace.UnimplementedTraceServiceServer
	listener net.Listener

	mu    sync.Mutex
	spans []*trace.Span
	// resources are the attributes of who sends.
	resources map[string]bool
}

// newCollector listens until the test ends.
func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{resources: map[string]bool{}}
	var err error
	if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collectortrace.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(c.listener) }()
	t.Cleanup(server.Stop)
	return c
}

func (c *collector) address() string { return c.listener.Addr().String() }

// Export takes spans.
func (c *collector) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range r.ResourceSpans {
		for _, a := range rs.GetResource().GetAttributes() {
			c.resources[a.Key] = true
		}
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

// of are the spans of the trace in which a client of a name asked.
func (c *collector) of(agent string) []*trace.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := ""
	for _, s := range c.spans {
		for _, a := range s.Attributes {
			if a.Value.GetStringValue() == agent {
				id = string(s.TraceId)
			}
		}
	}
	var out []*trace.Span
	for _, s := range c.spans {
		if id != "" && string(s.TraceId) == id {
			out = append(out, s)
		}
	}
	return out
}

// insecureClient trusts whoever answers.
func insecureClient() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
