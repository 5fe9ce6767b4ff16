package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	apioptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	basecompatibility "k8s.io/component-base/compatibility"
	componentconfig "k8s.io/component-base/config"
	electionoptions "k8s.io/component-base/config/options"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/version/verflag"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"tiphys.dev/tiphys/pkg/componentserver/leaderelection"
	"tiphys.dev/tiphys/pkg/features"
	"tiphys.dev/tiphys/pkg/scheduler/config"
)

// options are what the command line says.
type options struct {
	configFile, writeConfigTo string
	master                    string

	serving *apioptions.SecureServingOptions
	authn   *apioptions.DelegatingAuthenticationOptions
	authz   *apioptions.DelegatingAuthorizationOptions

	metrics    *metrics.Options
	logging    *logsapi.LoggingConfiguration
	components basecompatibility.ComponentGlobalsRegistry
	version    basecompatibility.EffectiveVersion
	election   componentconfig.LeaderElectionConfiguration
	deprecated deprecatedOptions

	fs *pflag.FlagSet
	// scheduling is the completed configuration.
	scheduling *configv1.KubeSchedulerConfiguration
	// unlimited is true when nobody asked for a client limit: the API server knows better how much it can take.
	unlimited bool
}

// deprecatedOptions stand for fields of the configuration file and count only without one.
type deprecatedOptions struct {
	kubeconfig, contentType        string
	qps                            float32
	burst                          int32
	profiling, contentionProfiling bool
	maxUnschedulable               time.Duration
}

func newOptions() *options {
	o := &options{
		serving: apioptions.NewSecureServingOptions(), authn: apioptions.NewDelegatingAuthenticationOptions(),
		authz: apioptions.NewDelegatingAuthorizationOptions(), metrics: metrics.NewOptions(), logging: logsapi.NewLoggingConfiguration(),
		election: leaderelection.Default("kube-scheduler"),
	}
	o.serving.BindPort = 10259
	o.serving.ServerCert.CertDirectory = "" // a self-signed certificate stays in memory
	o.serving.ServerCert.PairName = "kube-scheduler"
	o.authn.TolerateInClusterLookupFailure = true
	o.authn.RemoteKubeConfigFileOptional = true
	o.authz.RemoteKubeConfigFileOptional = true
	o.authz.AlwaysAllowPaths = []string{"/healthz", "/readyz", "/livez"}

	version := basecompatibility.NewEffectiveVersionFromString("1.36", "1.33", "1.33")
	o.version = version
	o.components = basecompatibility.NewComponentGlobalsRegistry()
	// Fails only when a library changes the stage of a gate that this program knows.
	utilruntime.Must(features.Register(utilfeature.DefaultMutableFeatureGate))
	// The registry is new, so that the name cannot be taken.
	if err := o.components.Register(basecompatibility.DefaultKubeComponent, version, utilfeature.DefaultMutableFeatureGate); err != nil {
		panic(fmt.Sprintf("registering the component's feature gates: %v", err))
	}
	return o
}

func (o *options) addFlags(fs *pflag.FlagSet) {
	o.fs = fs
	fs.SortFlags = true
	fs.StringVar(&o.configFile, "config", "", "The path to the configuration file.")
	fs.StringVar(&o.master, "master", "", "The address of the Kubernetes API server (overrides any value in kubeconfig)")
	fs.StringVar(&o.writeConfigTo, "write-config-to", "", "If set, write the configuration values to this file and exit.")
	o.serving.AddFlags(fs)
	o.authn.AddFlags(fs)
	o.authz.AddFlags(fs)
	o.metrics.AddFlags(fs)
	o.components.AddFlags(fs)
	logsapi.AddFlags(o.logging, fs)
	verflag.AddFlags(fs)
	electionoptions.BindLeaderElectionFlags(&o.election, fs)
	d := &o.deprecated
	fs.StringVar(&d.kubeconfig, "kubeconfig", "", "DEPRECATED: path to kubeconfig file with authorization and master location information. Without effect when --config is given.")
	fs.StringVar(&d.contentType, "kube-api-content-type", "application/vnd.kubernetes.protobuf", "DEPRECATED: content type of requests sent to apiserver. Without effect when --config is given.")
	fs.Float32Var(&d.qps, "kube-api-qps", 50, "DEPRECATED: QPS to use while talking with kubernetes apiserver; not limited unless given. Without effect when --config is given.")
	fs.Int32Var(&d.burst, "kube-api-burst", 100, "DEPRECATED: burst to use while talking with kubernetes apiserver. Without effect when --config is given.")
	fs.BoolVar(&d.profiling, "profiling", true, "DEPRECATED: enable profiling via web interface host:port/debug/pprof/. Without effect when --config is given.")
	fs.BoolVar(&d.contentionProfiling, "contention-profiling", true, "DEPRECATED: enable block profiling, if profiling is enabled. Without effect when --config is given.")
	fs.DurationVar(&d.maxUnschedulable, "pod-max-in-unschedulable-pods-duration", 5*time.Minute, "DEPRECATED: the maximum time a pod waits for an event before it is tried anyhow.")
	for _, name := range []string{"kubeconfig", "kube-api-content-type", "kube-api-qps", "kube-api-burst", "profiling", "contention-profiling", "pod-max-in-unschedulable-pods-duration"} {
		// The flag was defined above.
		_ = fs.MarkDeprecated(name, "it may be removed in a future release; use the configuration file")
		fs.Lookup(name).Hidden = false
	}
}

func (o *options) validate() error {
	var errs []error
	errs = append(errs, o.serving.Validate()...)
	errs = append(errs, o.authn.Validate()...)
	errs = append(errs, o.authz.Validate()...)
	errs = append(errs, o.metrics.Validate()...)
	errs = append(errs, o.components.Validate()...)
	return errors.Join(errs...)
}

// complete puts file and flags together.
func (o *options) complete() error {
	cfg := &configv1.KubeSchedulerConfiguration{}
	if o.configFile != "" {
		data, err := os.ReadFile(o.configFile)
		if err != nil {
			return fmt.Errorf("reading --config: %w", err)
		}
		if cfg, err = config.Parse(data); err != nil {
			return err
		}
		o.unlimited = cfg.ClientConnection.QPS == 0
	} else {
		o.applyDeprecated(cfg)
	}
	o.applyElection(cfg)
	if err := config.Complete(cfg); err != nil {
		return err
	}
	if errs := config.Validate(cfg); len(errs) > 0 {
		return fmt.Errorf("invalid configuration: %w", errs.ToAggregate())
	}
	o.scheduling = cfg
	// Who may look at metrics and the like is asked of the same API server.
	if file := cfg.ClientConnection.Kubeconfig; file != "" {
		if o.authn.RemoteKubeConfigFile == "" {
			o.authn.RemoteKubeConfigFile = file
		}
		if o.authz.RemoteKubeConfigFile == "" {
			o.authz.RemoteKubeConfigFile = file
		}
	}
	return nil
}

func (o *options) applyDeprecated(cfg *configv1.KubeSchedulerConfiguration) {
	d := &o.deprecated
	cfg.ClientConnection.Kubeconfig = d.kubeconfig
	cfg.ClientConnection.ContentType = d.contentType
	cfg.ClientConnection.QPS, cfg.ClientConnection.Burst = d.qps, d.burst
	cfg.EnableProfiling, cfg.EnableContentionProfiling = &d.profiling, &d.contentionProfiling
	o.unlimited = !o.fs.Changed("kube-api-qps")
}

// applyElection lets flags given win over the file.
func (o *options) applyElection(cfg *configv1.KubeSchedulerConfiguration) {
	from, to := &o.election, &cfg.LeaderElection
	for name, apply := range map[string]func(){
		"leader-elect":                    func() { to.LeaderElect = &from.LeaderElect },
		"leader-elect-lease-duration":     func() { to.LeaseDuration = from.LeaseDuration },
		"leader-elect-renew-deadline":     func() { to.RenewDeadline = from.RenewDeadline },
		"leader-elect-retry-period":       func() { to.RetryPeriod = from.RetryPeriod },
		"leader-elect-resource-lock":      func() { to.ResourceLock = from.ResourceLock },
		"leader-elect-resource-name":      func() { to.ResourceName = from.ResourceName },
		"leader-elect-resource-namespace": func() { to.ResourceNamespace = from.ResourceNamespace },
	} {
		if o.fs.Changed(name) {
			apply()
		}
	}
}
