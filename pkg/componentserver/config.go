package componentserver

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/metrics"
)

// Config says what the endpoint serves and to whom.
type Config struct {
	// Name is the component's name as it appears in /statusz and /flagz, for example "kube-scheduler".
	Name string

	// Serving is the HTTPS address and certificate. A missing certificate is replaced by a self-signed one. Nil, or a port
	// of 0 without a Listener, means no HTTPS.
	Serving *options.SecureServingOptions
	// Authentication delegates "who asks" to the API server. Nil means that everybody is anonymous and, without
	// Authorization, everything is allowed: for tests and loopback only.
	Authentication *options.DelegatingAuthenticationOptions
	// Authorization delegates "may he" to the API server. Nil allows everything.
	Authorization *options.DelegatingAuthorizationOptions

	// Insecure is a plain HTTP listener without any check of the caller, for tests and loopback probes. Optional.
	Insecure net.Listener

	// Health, Live and Ready are the named checks behind /healthz, /livez and /readyz. "ping" is always among them.
	Health, Live, Ready []healthz.HealthChecker

	// Metrics are gathered for /metrics, in this order. The first one also gets process and Go runtime metrics when
	// ProcessMetrics is set.
	Metrics []metrics.KubeRegistry
	// ProcessMetrics adds process_*, go_*, rest_client_* and build information. One component of a process is enough.
	ProcessMetrics bool

	// Configz holds the configurations shown at /configz, by name (for example "kubecontrollermanager.config.k8s.io").
	Configz map[string]any

	// Profiling serves /debug/pprof; ContentionProfiling also samples lock contention.
	Profiling, ContentionProfiling bool

	// Flags are shown at /flagz when set.
	Flags *pflag.FlagSet
	// Version is shown at /statusz when set.
	Version compatibility.EffectiveVersion

	// Handlers are further paths of the component itself, behind the same guard.
	Handlers map[string]http.Handler

	// ShutdownTimeout is how long open requests may take after the end of Run's context. Zero means five seconds.
	ShutdownTimeout time.Duration
}

func (c *Config) complete() error {
	if c.Name == "" {
		return errors.New("component server: Name is required")
	}
	if c.ProcessMetrics && len(c.Metrics) == 0 {
		return errors.New("component server: ProcessMetrics needs a registry in Metrics")
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = 5 * time.Second
	}
	var errs []error
	if c.Serving != nil {
		errs = append(errs, c.Serving.Validate()...)
	}
	if c.Authentication != nil {
		errs = append(errs, c.Authentication.Validate()...)
	}
	if c.Authorization != nil {
		errs = append(errs, c.Authorization.Validate()...)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("component server of %s: %w", c.Name, err)
	}
	return nil
}
