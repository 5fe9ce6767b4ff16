package controllermanager

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/metrics"
	"k8s.io/controller-manager/pkg/clientbuilder"
	kcmconfig "k8s.io/kube-controller-manager/config/v1alpha1"
	"k8s.io/utils/clock"
)

// Settings are upstream's configuration type.
type Settings = kcmconfig.KubeControllerManagerConfiguration

// Clients give each controller its own identity.
type Clients struct {
	// Kubernetes returns a client acting as the named service account of kube-system (or with that user agent).
	Kubernetes func(name string) (kubernetes.Interface, error)
	// REST returns the configuration behind, for metadata, discovery, scale and custom resources.
	REST func(name string) (*rest.Config, error)
}

// ClientsFrom uses a published client builder: clientbuilder.SimpleControllerClientBuilder for one identity,
// clientbuilder.NewDynamicClientBuilder for a service account each.
func ClientsFrom(b clientbuilder.ControllerClientBuilder) Clients {
	return Clients{Kubernetes: b.Client, REST: b.Config}
}

// Config of the manager.
type Config struct {
	Clients Clients
	// Informers are shared with other components of the process. They must drop managedFields (see Transform). Nil: own.
	Informers informers.SharedInformerFactory
	// StartInformers starts what was added to Informers, for as long as the process wants them; called several times.
	// Required with Informers: an informer that ends with one term of leadership could not be used in the next.
	StartInformers func()
	// Shared tells of which resources Informers should be used where metadata would do, because they cost no connection. Nil: of
	// none but those that some controller reads anyway.
	Shared func(schema.GroupVersionResource) bool
	// Settings of the controllers, see DefaultSettings.
	Settings *Settings
	// RootCA is the certificate bundle published to namespaces; empty: root-ca-certificate-publisher does not run.
	RootCA []byte
	// Metrics registry of the component. Nil: own, see Registry.
	Metrics metrics.KubeRegistry
	Clock   clock.WithTicker
}

func (c *Config) complete() error {
	if c.Clients.Kubernetes == nil || c.Clients.REST == nil {
		return errors.New("controller manager: Clients are required")
	}
	if c.Informers != nil && c.StartInformers == nil {
		return errors.New("controller manager: Informers without StartInformers")
	}
	if c.Settings == nil {
		c.Settings = DefaultSettings()
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewKubeRegistry()
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if err := ValidateSelection(c.Settings.Generic.Controllers); err != nil {
		return fmt.Errorf("controller manager: %w", err)
	}
	return nil
}

// ValidateSelection checks the values of --controllers.
func ValidateSelection(selection []string) error {
	for _, s := range selection {
		name := strings.TrimPrefix(s, "-")
		if name != "*" && !slices.Contains(Names(), canonical(name)) {
			return fmt.Errorf("%q is not in the list of known controllers", name)
		}
	}
	return nil
}

// enabled applies upstream's rule: a name counts before "*", and "*" means those that are on by default.
func enabled(e entry, selection []string) bool {
	star := false
	for _, s := range selection {
		switch {
		case s == "*":
			star = true
		case strings.HasPrefix(s, "-") && canonical(s[1:]) == e.name:
			return false
		case canonical(s) == e.name:
			return true
		}
	}
	return star && !e.offByDefault
}

// DefaultSettings are upstream's defaults.
func DefaultSettings() *Settings {
	s := &Settings{}
	s.APIVersion, s.Kind = kcmconfig.SchemeGroupVersion.String(), "KubeControllerManagerConfiguration"
	d := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	on := true
	s.Generic.Controllers = []string{"*"}
	s.Generic.MinResyncPeriod = d(12 * time.Hour)
	s.KubeCloudShared.ClusterName = "kubernetes"
	s.KubeCloudShared.NodeMonitorPeriod = d(5 * time.Second)
	s.AttachDetachController.ReconcilerSyncLoopPeriod = d(time.Minute)
	s.CSRSigningController.ClusterSigningDuration = d(365 * 24 * time.Hour)
	s.DaemonSetController.ConcurrentDaemonSetSyncs = 2
	s.DeploymentController.ConcurrentDeploymentSyncs = 5
	s.StatefulSetController.ConcurrentStatefulSetSyncs = 5
	s.EndpointController.ConcurrentEndpointSyncs = 5
	s.EndpointSliceController.ConcurrentServiceEndpointSyncs = 5
	s.EndpointSliceController.MaxEndpointsPerSlice = 100
	s.EndpointSliceMirroringController.MirroringConcurrentServiceEndpointSyncs = 5
	s.EndpointSliceMirroringController.MirroringMaxEndpointsPerSubset = 1000
	s.EphemeralVolumeController.ConcurrentEphemeralVolumeSyncs = 5
	s.GarbageCollectorController.EnableGarbageCollector = &on
	s.GarbageCollectorController.ConcurrentGCSyncs = 20
	s.GarbageCollectorController.GCIgnoredResources = []kcmconfig.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}}
	s.HPAController.ConcurrentHorizontalPodAutoscalerSyncs = 5
	s.HPAController.HorizontalPodAutoscalerSyncPeriod = d(15 * time.Second)
	s.HPAController.HorizontalPodAutoscalerDownscaleStabilizationWindow = d(5 * time.Minute)
	s.HPAController.HorizontalPodAutoscalerTolerance = 0.1
	s.HPAController.HorizontalPodAutoscalerCPUInitializationPeriod = d(5 * time.Minute)
	s.HPAController.HorizontalPodAutoscalerInitialReadinessDelay = d(30 * time.Second)
	s.JobController.ConcurrentJobSyncs = 5
	s.CronJobController.ConcurrentCronJobSyncs = 5
	s.LegacySATokenCleaner.CleanUpPeriod = d(365 * 24 * time.Hour)
	s.NamespaceController.NamespaceSyncPeriod = d(5 * time.Minute)
	s.NamespaceController.ConcurrentNamespaceSyncs = 10
	s.NodeLifecycleController.NodeEvictionRate = 0.1
	s.NodeLifecycleController.SecondaryNodeEvictionRate = 0.01
	s.NodeLifecycleController.NodeStartupGracePeriod = d(time.Minute)
	s.NodeLifecycleController.NodeMonitorGracePeriod = d(50 * time.Second)
	s.NodeLifecycleController.LargeClusterSizeThreshold = 50
	s.NodeLifecycleController.UnhealthyZoneThreshold = 0.55
	s.PersistentVolumeBinderController.PVClaimBinderSyncPeriod = d(15 * time.Second)
	r := &s.PersistentVolumeBinderController.VolumeConfiguration.PersistentVolumeRecyclerConfiguration
	r.MaximumRetry, r.MinimumTimeoutNFS, r.IncrementTimeoutNFS, r.MinimumTimeoutHostPath, r.IncrementTimeoutHostPath = 3, 300, 30, 60, 30
	s.PodGCController.TerminatedPodGCThreshold = 12500
	s.ReplicaSetController.ConcurrentRSSyncs = 5
	s.ReplicationController.ConcurrentRCSyncs = 5
	s.ResourceQuotaController.ResourceQuotaSyncPeriod = d(5 * time.Minute)
	s.ResourceQuotaController.ConcurrentResourceQuotaSyncs = 5
	s.SAController.ConcurrentSATokenSyncs = 5
	s.ServiceController.ConcurrentServiceSyncs = 1
	s.TTLAfterFinishedController.ConcurrentTTLSyncs = 5
	s.ValidatingAdmissionPolicyStatusController.ConcurrentPolicySyncs = 5
	s.DeviceTaintEvictionController.ConcurrentSyncs = 8
	s.ResourceClaimController.ConcurrentSyncs = 50
	return s
}
