package allinone

import (
	"context"
	"errors"
	"net"

	"golang.org/x/sync/errgroup"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/component-base/metrics"

	"tiphys.dev/tiphys/pkg/componentserver"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// endpoint is the health and metrics server of a built-in component, on upstream's port of the
// loopback address and with the API server's certificate, which names it.
func (a *assembly) endpoint(cfg componentserver.Config, port int, kubeconfig string, registry metrics.KubeRegistry) (lifecycle.Runner, error) {
	serving := options.NewSecureServingOptions()
	serving.BindAddress = net.IPv4(127, 0, 0, 1)
	serving.BindPort = port
	serving.ServerCert.CertKey = options.CertKey{CertFile: a.pki.Cert("apiserver"), KeyFile: a.pki.Key("apiserver")}
	authentication := options.NewDelegatingAuthenticationOptions()
	authentication.RemoteKubeConfigFile = kubeconfig
	authorization := options.NewDelegatingAuthorizationOptions().
		WithAlwaysAllowPaths("/healthz", "/readyz", "/livez").WithAlwaysAllowGroups("system:masters")
	authorization.RemoteKubeConfigFile = kubeconfig
	cfg.Serving, cfg.Authentication, cfg.Authorization = serving, authentication, authorization
	cfg.Metrics = []metrics.KubeRegistry{registry}
	return componentserver.New(cfg)
}

// together is a component with its endpoint: when one fails, both end, and both are started again.
type together struct {
	component lifecycle.Runner
	endpoint  lifecycle.Runner
	ready     <-chan struct{}
}

// Ready is the component's.
func (t together) Ready() <-chan struct{} { return t.ready }

// Run runs both.
func (t together) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range []lifecycle.Runner{t.component, t.endpoint} {
		group.Go(func() error {
			err := r.Run(ctx)
			if err == nil && ctx.Err() == nil {
				return errEnded
			}
			return err
		})
	}
	return group.Wait()
}

// errEnded stands for a part that ended without being told to, and without an error.
var errEnded = errors.New("it ended without being asked to")
