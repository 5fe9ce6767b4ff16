package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	cliflag "k8s.io/component-base/cli/flag"

	"tiphys.dev/tiphys/pkg/kubelet/logs"
	"tiphys.dev/tiphys/pkg/kubelet/server"
)

// door opens the kubelet's server, its local health endpoint, and bounds the logs it serves.
func (r *rooms) door() error {
	if err := r.rotateLogs(); err != nil {
		return err
	}
	if err := r.healthz(); err != nil {
		return err
	}
	kc := &r.cfg.Kubelet
	if kc.EnableServer != nil && !*kc.EnableServer {
		return nil
	}
	minVersion, err := cliflag.TLSVersion(kc.TLSMinVersion)
	if err != nil {
		return fmt.Errorf("kubelet: tlsMinVersion: %w", err)
	}
	suites, err := cliflag.TLSCipherSuites(kc.TLSCipherSuites)
	if err != nil {
		return fmt.Errorf("kubelet: tlsCipherSuites: %w", err)
	}
	access, followCA, err := server.Delegate(kc, r.cfg.Client)
	if err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	r.run(func(ctx context.Context) error { followCA(ctx); return nil })
	s, err := server.New(server.Config{
		NodeName: r.cfg.NodeName, Address: kc.Address, Port: kc.Port, ReadOnlyPort: kc.ReadOnlyPort,
		CertFile: kc.TLSCertFile, KeyFile: kc.TLSPrivateKeyFile, CertDir: r.cfg.CertDir,
		Hosts: append([]string{r.cfg.NodeName, r.cfg.Hostname}, r.hostIPs()...), GetCertificate: r.cfg.GetCertificate,
		MinVersion: minVersion, CipherSuites: suites, Access: access,
		Pods: r.workers, CRI: r.client.Runtime, Stats: r.stats, SyncLoop: r.alive, Metrics: r.meter.Gatherer(),
		ProbeMetrics: r.probeRegistry, Configz: map[string]any{"kubeletconfig": *kc},
		SystemLogs: *kc.EnableSystemLogHandler, Debugging: *kc.EnableDebuggingHandlers,
		Profiling: *kc.EnableProfilingHandler, DebugFlags: *kc.EnableDebugFlagsHandler,
		StreamIdle: kc.StreamingConnectionIdleTimeout.Duration,
	})
	if err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	r.run(s.Run)
	return nil
}

func (r *rooms) rotateLogs() error {
	kc := &r.cfg.Kubelet
	size, err := resource.ParseQuantity(kc.ContainerLogMaxSize)
	if err != nil {
		return fmt.Errorf("kubelet: containerLogMaxSize: %w", err)
	}
	rotator, err := logs.NewRotator(logs.RotateConfig{MaxSize: size.Value(), MaxFiles: int(*kc.ContainerLogMaxFiles),
		Workers: int(*kc.ContainerLogMaxWorkers), Interval: kc.ContainerLogMonitorInterval.Duration, Runtime: r.client.Runtime})
	if err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	r.run(rotator.Run)
	return nil
}

// alive is false when the runtime has not answered a full list for too long: then nothing here is true any more.
func (r *rooms) alive(*http.Request) error {
	if last := r.observer.LastRelist(); time.Since(last) > 5*time.Minute {
		return fmt.Errorf("the container runtime last answered at %v", last)
	}
	return nil
}

// healthz is the plain local endpoint (port 10248 by default).
func (r *rooms) healthz() error {
	kc := &r.cfg.Kubelet
	if kc.HealthzPort == nil || *kc.HealthzPort == 0 {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(kc.HealthzBindAddress, strconv.Itoa(int(*kc.HealthzPort))))
	if err != nil {
		return fmt.Errorf("kubelet: taking the healthz port: %w", err)
	}
	answer := func(w http.ResponseWriter, req *http.Request) {
		if err := r.alive(req); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("ok"))
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/healthz/ping", "/healthz/syncloop", "/healthz/log", "/livez", "/readyz"} {
		mux.HandleFunc(path, answer)
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	r.run(func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = s.Close() })
		defer stop()
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving healthz: %w", err)
		}
		return nil
	})
	return nil
}
