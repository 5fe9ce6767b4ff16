package server

import (
	"net/http"

	"k8s.io/component-base/metrics"
)

func (s *Server) metrics(mux *http.ServeMux) error {
	opts := metrics.HandlerOpts{ErrorHandling: metrics.ContinueOnError}
	if s.cfg.Metrics != nil {
		mux.Handle("/metrics", metrics.HandlerFor(s.cfg.Metrics, opts))
	}
	if s.cfg.ProbeMetrics != nil {
		mux.Handle("/metrics/probes", metrics.HandlerFor(s.cfg.ProbeMetrics, opts))
	}
	if s.cfg.Stats == nil {
		return nil
	}
	resource := metrics.NewKubeRegistry()
	if err := resource.CustomRegister(newResourceCollector(s.cfg.Stats)); err != nil {
		return err
	}
	mux.Handle("/metrics/resource", metrics.HandlerFor(resource, opts))
	cadvisor := metrics.NewKubeRegistry()
	if err := cadvisor.CustomRegister(newContainerCollector(s.cfg.Stats)); err != nil {
		return err
	}
	mux.Handle("/metrics/cadvisor", metrics.HandlerFor(cadvisor, opts))
	return nil
}

// summary answers /stats/summary.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Stats == nil {
		http.NotFound(w, r)
		return
	}
	only := r.FormValue("only_cpu_and_memory") == "true"
	summary, err := s.cfg.Stats.Summary(r.Context(), only)
	if err != nil {
		http.Error(w, "Internal Error: "+err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, summary)
}
