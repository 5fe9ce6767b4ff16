package server

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/statusz"
	"k8s.io/component-base/metrics/prometheus/slis"
	"k8s.io/klog/v2"
)

// component is the name on the pages about the process.
const component = "kubelet"

// handler is everything, behind the guard.
func (s *Server) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	if err := s.open(mux); err != nil {
		return nil, err
	}
	s.debugging(mux)
	statusz.Install(mux, component, statusz.NewRegistry(s.cfg.Version))
	slis.SLIMetricsWithReset{}.Install(mux)
	if s.cfg.Flagz != nil {
		flagz.Install(mux, component, s.cfg.Flagz)
	}
	return s.recoverPanics(s.guard(mux)), nil
}

// readOnlyHandler is what may be seen by everybody.
func (s *Server) readOnlyHandler() (http.Handler, error) {
	mux := http.NewServeMux()
	if err := s.open(mux); err != nil {
		return nil, err
	}
	return s.recoverPanics(mux), nil
}

func (s *Server) open(mux *http.ServeMux) error {
	checks := []healthz.HealthChecker{healthz.PingHealthz, healthz.LogHealthz}
	if s.cfg.SyncLoop != nil {
		checks = append(checks, healthz.NamedCheck("syncloop", s.cfg.SyncLoop))
	}
	for name, check := range s.cfg.Health {
		checks = append(checks, healthz.NamedCheck(name, check))
	}
	healthz.InstallHandler(mux, checks...)
	mux.HandleFunc("/pods", s.pods)
	mux.HandleFunc("/pods/{$}", s.pods)
	mux.HandleFunc("/stats/summary", s.summary)
	mux.HandleFunc("/stats/{$}", s.summary)
	return s.metrics(mux)
}

func (s *Server) debugging(mux *http.ServeMux) {
	if !s.cfg.Debugging {
		disabled := func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Debug endpoints are disabled.", http.StatusMethodNotAllowed)
		}
		for _, path := range []string{"/run/", "/exec/", "/attach/", "/portForward/", "/containerLogs/", "/runningpods/", "/logs/", "/debug/"} {
			mux.HandleFunc(path, disabled)
		}
		return
	}
	mux.HandleFunc("POST /run/{namespace}/{pod}/{container}", s.run)
	mux.HandleFunc("POST /run/{namespace}/{pod}/{uid}/{container}", s.run)
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+"/exec/{namespace}/{pod}/{container}", s.exec)
		mux.HandleFunc(method+"/exec/{namespace}/{pod}/{uid}/{container}", s.exec)
		mux.HandleFunc(method+"/attach/{namespace}/{pod}/{container}", s.attach)
		mux.HandleFunc(method+"/attach/{namespace}/{pod}/{uid}/{container}", s.attach)
		mux.HandleFunc(method+"/portForward/{namespace}/{pod}", s.portForward)
		mux.HandleFunc(method+"/portForward/{namespace}/{pod}/{uid}", s.portForward)
	}
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.containerLogs)
	mux.HandleFunc("/configz", s.configz)
	mux.HandleFunc("GET /runningpods/{$}", s.runningPods)
	mux.HandleFunc("GET /runningpods", s.runningPods)
	if s.cfg.SystemLogs {
		mux.Handle("GET /logs/", http.StripPrefix("/logs/", http.FileServer(http.Dir(s.cfg.LogsDir))))
	}
	if s.cfg.Checkpoints != "" {
		mux.HandleFunc("POST /checkpoint/{namespace}/{pod}/{container}", s.checkpoint)
	}
	if s.cfg.Profiling {
		profiling(mux)
	}
	if s.cfg.DebugFlags {
		mux.HandleFunc("PUT /debug/flags/v", logLevel)
	}
}

func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				klog.FromContext(r.Context()).Error(fmt.Errorf("%v", p), "Serving request", "path", r.URL.Path, "stack", string(debug.Stack()))
				http.Error(w, "This request caused the kubelet to fail; see its log.", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
