package componentserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/client-go/kubernetes/scheme"
)

// Server is the endpoint of one component.
type Server struct {
	cfg     Config
	handler http.Handler
}

// New checks the configuration and builds the paths. It opens no port.
func New(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	h, err := newMux(&cfg)
	if err != nil {
		return nil, fmt.Errorf("component server of %s: %w", cfg.Name, err)
	}
	return &Server{cfg: cfg, handler: h}, nil
}

// Handler returns all paths without any check of the caller, for a program that serves them behind a guard of its own.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves until ctx is done and returns when the last request has ended or the shutdown timeout has passed. It returns
// nil after an ordered stop.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if o := s.cfg.Serving; o != nil && (o.BindPort != 0 || o.Listener != nil) {
		g.Go(func() error { return s.serveSecure(ctx) })
	}
	if l := s.cfg.Insecure; l != nil {
		g.Go(func() error { return s.serveInsecure(ctx, l) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("component server of %s: %w", s.cfg.Name, err)
	}
	return nil
}

func (s *Server) serveSecure(ctx context.Context) error {
	serving := *s.cfg.Serving // ApplyTo and the self-signed certificate write into it
	if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}); err != nil {
		return fmt.Errorf("making a self-signed certificate: %w", err)
	}
	var info *genericapiserver.SecureServingInfo
	if err := serving.ApplyTo(&info); err != nil {
		return fmt.Errorf("opening the port: %w", err)
	}
	var authn genericapiserver.AuthenticationInfo
	var authz genericapiserver.AuthorizationInfo
	if err := s.cfg.Authentication.ApplyTo(&authn, info, nil); err != nil {
		return errors.Join(fmt.Errorf("setting up authentication: %w", err), info.Listener.Close())
	}
	if err := s.cfg.Authorization.ApplyTo(&authz); err != nil {
		return errors.Join(fmt.Errorf("setting up authorization: %w", err), info.Listener.Close())
	}
	stopped, _, err := info.Serve(guard(s.handler, &authn, &authz), s.cfg.ShutdownTimeout, ctx.Done())
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	<-stopped
	return nil
}

// guard puts the checks of the caller before the handler: outermost first recovery, request info, authentication,
// authorization.
func guard(h http.Handler, authn *genericapiserver.AuthenticationInfo, authz *genericapiserver.AuthorizationInfo) http.Handler {
	resolver := &request.RequestInfoFactory{}
	if authz.Authorizer != nil {
		h = filters.WithAuthorization(h, authz.Authorizer, scheme.Codecs)
	}
	if authn.Authenticator != nil {
		failed := filters.Unauthorized(scheme.Codecs)
		h = filters.WithAuthentication(h, authn.Authenticator, failed, nil, authn.RequestHeaderConfig)
	} else {
		h = withAnonymous(h)
	}
	h = filters.WithRequestInfo(h, resolver)
	h = filters.WithCacheControl(h)
	return genericfilters.WithPanicRecovery(h, resolver)
}

func (s *Server) serveInsecure(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 30 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
		defer cancel()
		stopped <- srv.Shutdown(stop)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving plain HTTP: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping plain HTTP: %w", err)
	}
	return nil
}
