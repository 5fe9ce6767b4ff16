package etcdstore

import (
	"errors"
	"sync"

	grpcprometheus "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics/legacyregistry"
)

// clientMetrics count the requests to etcd (grpc_client_*). The published code, whose connections are those of the health checks, has
// registered them already, for itself: what is registered is asked for by the attempt to do it again. Nil where that is no more so.
var clientMetrics = sync.OnceValue(func() *grpcprometheus.ClientMetrics {
	own := grpcprometheus.NewClientMetrics()
	var taken prometheus.AlreadyRegisteredError
	switch err := legacyregistry.Registerer().Register(own); {
	case err == nil:
		return own
	case errors.As(err, &taken):
		registered, _ := taken.ExistingCollector.(*grpcprometheus.ClientMetrics)
		return registered
	}
	return nil
})
