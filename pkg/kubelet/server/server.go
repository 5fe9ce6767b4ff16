package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// Server is the kubelet's HTTP side.
type Server struct {
	cfg      Config
	secure   net.Listener
	readOnly net.Listener
	tls      *tls.Config
}

// New takes the ports and prepares the certificate. Nothing is served yet.
func New(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	var err error
	if s.tls, err = tlsConfig(&cfg); err != nil {
		return nil, err
	}
	if s.secure, err = net.Listen("tcp", net.JoinHostPort(cfg.Address, strconv.Itoa(int(cfg.Port)))); err != nil {
		return nil, fmt.Errorf("taking the kubelet's port: %w", err)
	}
	if cfg.ReadOnlyPort != 0 {
		if s.readOnly, err = net.Listen("tcp", net.JoinHostPort(cfg.Address, strconv.Itoa(int(cfg.ReadOnlyPort)))); err != nil {
			return nil, errors.Join(fmt.Errorf("taking the kubelet's read-only port: %w", err), s.secure.Close())
		}
	}
	return s, nil
}

// Addr is where HTTPS is served.
func (s *Server) Addr() *net.TCPAddr { return s.secure.Addr().(*net.TCPAddr) }

// Run serves until ctx ends. Open streams (exec, logs -f) are cut then: they have no natural end.
func (s *Server) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		errs  []error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serve := func(l net.Listener, h http.Handler) {
		server := &http.Server{Handler: h, ReadHeaderTimeout: 32 * time.Second, IdleTimeout: 90 * time.Second, MaxHeaderBytes: 1 << 20,
			BaseContext: func(net.Listener) context.Context { return ctx },
			ErrorLog:    stdlog.New(quiet{logger}, "", 0)}
		group.Go(func() {
			<-ctx.Done()
			_ = server.Close() // only the listener's closing can fail, and it is going
		})
		group.Go(func() {
			defer cancel()
			if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	handler, err := s.handler()
	if err != nil {
		return err
	}
	serve(tls.NewListener(s.secure, s.tls), handler)
	if s.readOnly != nil {
		open, err := s.readOnlyHandler()
		if err != nil {
			return err
		}
		serve(s.readOnly, open)
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// quiet sends what net/http complains of (mostly scanners that break off handshakes) to a high log level.
type quiet struct{ klog.Logger }

func (q quiet) Write(p []byte) (int, error) {
	q.V(4).Info("HTTP server", "message", string(p))
	return len(p), nil
}
