package probe

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "k8s.io/api/core/v1"
)

func (w *worker) grpc(ctx context.Context, action *v1.GRPCAction, timeout time.Duration) (answer, error) {
	service := ""
	if action.Service != nil {
		service = *action.Service
	}
	fail := func(format string, args ...any) (answer, error) {
		return answer{outcome: Failure, text: fmt.Sprintf(format, args...)}, nil
	}
	// passthrough: the address is a number, no resolver is to be asked.
	target := "passthrough:///" + net.JoinHostPort(w.podIP, strconv.Itoa(int(action.Port)))
	conn, err := grpc.NewClient(target, grpc.WithUserAgent(UserAgent), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		return answer{}, fmt.Errorf("building gRPC client: %w", err)
	}
	defer conn.Close()
	ctx = metadata.NewOutgoingContext(ctx, make(metadata.MD))
	// Without waiting for readiness a refused connection would answer at once as Unavailable, which is what a probe wants to hear.
	res, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	if err != nil {
		switch status.Code(err) {
		case codes.Unimplemented:
			return fail("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", status.Convert(err).Message())
		case codes.DeadlineExceeded:
			return fail("timeout: health rpc did not complete within %v", timeout)
		case codes.Unavailable:
			return fail("error: failed to connect service %q: %s", net.JoinHostPort(w.podIP, strconv.Itoa(int(action.Port))), status.Convert(err).Message())
		default:
			return fail("error: health rpc probe failed: %+v", status.Convert(err).Message())
		}
	}
	if res.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return fail("service unhealthy (responded with %q)", res.GetStatus().String())
	}
	return answer{outcome: Success, text: "service healthy"}, nil
}
