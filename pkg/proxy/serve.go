package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/proxy/config"
)

// rebindAfter is the wait before a port that was in use is tried again.
const rebindAfter = 5 * time.Second

// serveHealthz answers on the health port.
func (p *Proxy) serveHealthz(ctx context.Context) error {
	mux := http.NewServeMux()
	p.health.Install(mux)
	return p.serve(ctx, "healthz", p.cfg.Configuration.HealthzBindAddress, mux)
}

// serveMetrics answers on the port for metrics and other insights.
func (p *Proxy) serveMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	text := func(path, answer string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			fmt.Fprint(w, answer)
		})
	}
	text("/healthz", "ok")
	text("/proxyMode", string(config.ModeNFTables))
	mux.Handle("/metrics", metrics.HandlerFor(p.metrics.registry, metrics.HandlerOpts{ErrorHandling: metrics.ContinueOnError}))
	mux.HandleFunc("/configz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// The client may be gone; there is nobody left to tell.
		_ = json.NewEncoder(w).Encode(map[string]any{"kubeproxy.config.k8s.io": p.cfg.Configuration})
	})
	if p.cfg.Configuration.EnableProfiling {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return p.serve(ctx, "metrics", p.cfg.Configuration.MetricsBindAddress, mux)
}

// serve answers on an address until ctx ends. Without bindAddressHardFail a port in
// use is tried again and again: services are worth more than their metrics.
func (p *Proxy) serve(ctx context.Context, what, address string, h http.Handler) error {
	if address == "" {
		return nil
	}
	logger := klog.FromContext(ctx)
	for {
		l, err := p.cfg.Listen(ctx, address)
		if err == nil {
			srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
			stop := context.AfterFunc(ctx, func() { srv.Close() })
			defer stop()
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving %s on %s: %w", what, address, err)
			}
			return nil
		}
		err = fmt.Errorf("opening port for %s: %w", what, err)
		if p.cfg.Configuration.BindAddressHardFail {
			return err
		}
		if ctx.Err() == nil {
			logger.Error(err, "Trying again", "after", rebindAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.cfg.Clock.After(rebindAfter):
		}
	}
}
