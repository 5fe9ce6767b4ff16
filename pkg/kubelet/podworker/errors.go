package podworker

import "google.golang.org/grpc/status"

// plain is the runtime's message without the transport's wrapping.
func plain(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}
