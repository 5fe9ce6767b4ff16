package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	apioptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cpconfig "k8s.io/cloud-provider/config"
	cpoptions "k8s.io/cloud-provider/options"
	cliflag "k8s.io/component-base/cli/flag"
	basecompatibility "k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/version/verflag"
	cmconfig "k8s.io/controller-manager/config"
	cmoptions "k8s.io/controller-manager/options"

	"tiphys.dev/tiphys/pkg/componentserver/leaderelection"
	"tiphys.dev/tiphys/pkg/controllermanager"
	"tiphys.dev/tiphys/pkg/features"
)

// options are what the command line says.
type options struct {
	settings *controllermanager.Settings
	generic  *cmoptions.GenericControllerManagerConfigurationOptions
	cloud    *cpoptions.KubeCloudSharedOptions

	serving *apioptions.SecureServingOptions
	authn   *apioptions.DelegatingAuthenticationOptions
	authz   *apioptions.DelegatingAuthorizationOptions

	metrics    *metrics.Options
	logging    *logsapi.LoggingConfiguration
	components basecompatibility.ComponentGlobalsRegistry
	version    basecompatibility.EffectiveVersion

	kubeconfig, master string
	shutdownTimeout    time.Duration
}

func newOptions() *options {
	o := &options{
		settings:        controllermanager.DefaultSettings(),
		serving:         apioptions.NewSecureServingOptions(),
		authn:           apioptions.NewDelegatingAuthenticationOptions(),
		authz:           apioptions.NewDelegatingAuthorizationOptions(),
		metrics:         metrics.NewOptions(),
		logging:         logsapi.NewLoggingConfiguration(),
		shutdownTimeout: 10 * time.Second,
	}
	generic := &cmconfig.GenericControllerManagerConfiguration{}
	generic.MinResyncPeriod = o.settings.Generic.MinResyncPeriod
	generic.ClientConnection.ContentType = runtime.ContentTypeProtobuf
	generic.ClientConnection.QPS, generic.ClientConnection.Burst = 20, 30
	generic.LeaderElection = leaderelection.Default("kube-controller-manager")
	generic.Controllers = o.settings.Generic.Controllers
	o.generic = cmoptions.NewGenericControllerManagerConfigurationOptions(generic)
	cloud := &cpconfig.KubeCloudSharedConfiguration{}
	cloud.ClusterName = o.settings.KubeCloudShared.ClusterName
	cloud.NodeMonitorPeriod = o.settings.KubeCloudShared.NodeMonitorPeriod
	cloud.RouteReconciliationPeriod.Duration = 10 * time.Second
	o.cloud = cpoptions.NewKubeCloudSharedOptions(cloud)

	o.serving.BindPort = 10257
	o.serving.ServerCert.CertDirectory = "" // a self-signed certificate stays in memory
	o.serving.ServerCert.PairName = "kube-controller-manager"
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
	fs.SortFlags = true
	var sets cliflag.NamedFlagSets
	o.generic.AddFlags(&sets, controllermanager.Names(), controllermanager.OffByDefault(), controllermanager.Aliases())
	for _, set := range sets.FlagSets {
		fs.AddFlagSet(set)
	}
	o.cloud.AddFlags(fs)
	o.serving.AddFlags(fs)
	o.authn.AddFlags(fs)
	o.authz.AddFlags(fs)
	o.metrics.AddFlags(fs)
	o.components.AddFlags(fs)
	logsapi.AddFlags(o.logging, fs)
	verflag.AddFlags(fs)
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "Path to kubeconfig file with authorization and master location information (the master location can be overridden by the master flag).")
	fs.StringVar(&o.master, "master", "", "The address of the Kubernetes API server (overrides any value in kubeconfig).")
	fs.DurationVar(&o.shutdownTimeout, "controller-shutdown-timeout", o.shutdownTimeout, "Time to wait for the controllers to shut down before terminating the executable")
	addControllerFlags(fs, o.settings)
}

func (o *options) validate() error {
	errs := []error{controllermanager.ValidateSelection(o.generic.Controllers)}
	errs = append(errs, o.generic.Validate(controllermanager.Names(), controllermanager.OffByDefault(), controllermanager.Aliases())...)
	errs = append(errs, o.cloud.Validate()...)
	errs = append(errs, o.serving.Validate()...)
	errs = append(errs, o.authn.Validate()...)
	errs = append(errs, o.authz.Validate()...)
	errs = append(errs, o.metrics.Validate()...)
	errs = append(errs, o.components.Validate()...)
	return errors.Join(errs...)
}

// apply moves what the published option types hold into the settings.
func (o *options) apply() {
	s := o.settings
	s.Generic.Controllers = o.generic.Controllers
	s.Generic.MinResyncPeriod = o.generic.MinResyncPeriod
	s.Generic.Debugging.EnableProfiling = &o.generic.Debugging.EnableProfiling
	s.Generic.Debugging.EnableContentionProfiling = &o.generic.Debugging.EnableContentionProfiling
	s.Generic.LeaderElection.LeaderElect = &o.generic.LeaderElection.LeaderElect
	s.Generic.LeaderElection.LeaseDuration = o.generic.LeaderElection.LeaseDuration
	s.Generic.LeaderElection.RenewDeadline = o.generic.LeaderElection.RenewDeadline
	s.Generic.LeaderElection.RetryPeriod = o.generic.LeaderElection.RetryPeriod
	s.Generic.LeaderElection.ResourceName = o.generic.LeaderElection.ResourceName
	s.Generic.LeaderElection.ResourceNamespace = o.generic.LeaderElection.ResourceNamespace
	s.Generic.LeaderElection.ResourceLock = o.generic.LeaderElection.ResourceLock
	s.KubeCloudShared.UseServiceAccountCredentials = o.cloud.UseServiceAccountCredentials
	s.KubeCloudShared.AllocateNodeCIDRs = o.cloud.AllocateNodeCIDRs
	s.KubeCloudShared.ClusterCIDR = o.cloud.ClusterCIDR
	s.KubeCloudShared.ClusterName = o.cloud.ClusterName
	s.KubeCloudShared.CIDRAllocatorType = o.cloud.CIDRAllocatorType
	s.KubeCloudShared.ConfigureCloudRoutes = &o.cloud.ConfigureCloudRoutes
	s.KubeCloudShared.NodeMonitorPeriod = o.cloud.NodeMonitorPeriod
	s.KubeCloudShared.RouteReconciliationPeriod = o.cloud.RouteReconciliationPeriod
}
