package componentserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	goruntime "runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/apiserver/pkg/server/statusz"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/prometheus/slis"
)

func newMux(cfg *Config) (http.Handler, error) {
	m := mux.NewPathRecorderMux(cfg.Name)
	healthz.InstallHandler(m, withPing(cfg.Health)...)
	healthz.InstallLivezHandler(m, withPing(cfg.Live)...)
	healthz.InstallReadyzHandler(m, withPing(cfg.Ready)...)
	if err := installMetrics(m, cfg); err != nil {
		return nil, err
	}
	configz, err := json.Marshal(cfg.Configz)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration as JSON: %w", err)
	}
	m.HandleFunc("/configz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(configz) // a caller who went away is no error of ours
	})
	if cfg.Profiling {
		routes.Profiling{}.Install(m)
		if cfg.ContentionProfiling {
			goruntime.SetBlockProfileRate(1)
		}
		routes.DebugFlags{}.Install(m, "v", routes.StringFlagPutHandler(logs.GlogSetter))
	}
	if cfg.Flags != nil {
		var sets cliflag.NamedFlagSets
		sets.FlagSet("flags").AddFlagSet(cfg.Flags)
		flagz.Install(m, cfg.Name, flagz.NamedFlagSetsReader{FlagSets: sets})
	}
	for path, h := range cfg.Handlers {
		m.Handle(path, h)
	}
	if cfg.Version != nil {
		statusz.Install(m, cfg.Name, statusz.NewRegistry(cfg.Version, statusz.WithListedPaths(m.ListedPaths())))
	}
	return m, nil
}

// withPing puts "ping" first and leaves the caller's slice alone.
func withPing(checks []healthz.HealthChecker) []healthz.HealthChecker {
	out := []healthz.HealthChecker{healthz.PingHealthz}
	return append(out, slices.DeleteFunc(slices.Clone(checks), func(c healthz.HealthChecker) bool { return c.Name() == "ping" })...)
}

func installMetrics(m *mux.PathRecorderMux, cfg *Config) error {
	all := prometheus.Gatherers{}
	for _, r := range cfg.Metrics {
		all = append(all, r)
	}
	if cfg.ProcessMetrics {
		// A registry of its own: the component may be rebuilt in the same process with the registry it already has.
		process := metrics.NewKubeRegistry()
		process.RawMustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
		metrics.RegisterBuildInfo(process)
		all = append(all, process, clientRegistry())
	}
	m.Handle("/metrics", metrics.HandlerFor(all, metrics.HandlerOpts{ErrorHandling: metrics.ContinueOnError}))
	slis.SLIMetricsWithReset{}.Install(m)
	return nil
}
