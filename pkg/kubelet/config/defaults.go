package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logsapi "k8s.io/component-base/logs/api/v1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
)

func def[T any](p **T, v T) {
	if *p == nil {
		*p = &v
	}
}

func zero[T comparable](p *T, v T) {
	var none T
	if *p == none {
		*p = v
	}
}

func period(p *metav1.Duration, d time.Duration) {
	if p.Duration == 0 {
		p.Duration = d
	}
}

// SetDefaults fills in what is not set, as the type's documentation says.
func SetDefaults(c *kubeletconfig.KubeletConfiguration) {
	c.APIVersion, c.Kind = kubeletconfig.SchemeGroupVersion.String(), "KubeletConfiguration"
	serving(c)
	pods(c)
	node(c)
	eviction(c)
	if c.Logging.Format == "" {
		logsapi.SetRecommendedLoggingConfiguration(&c.Logging)
	}
}

func serving(c *kubeletconfig.KubeletConfiguration) {
	def(&c.EnableServer, true)
	zero(&c.Address, "0.0.0.0")
	zero(&c.Port, 10250)
	def(&c.HealthzPort, 10248)
	zero(&c.HealthzBindAddress, "127.0.0.1")
	def(&c.Authentication.Anonymous.Enabled, false)
	def(&c.Authentication.Webhook.Enabled, true)
	period(&c.Authentication.Webhook.CacheTTL, 2*time.Minute)
	zero(&c.Authorization.Mode, kubeletconfig.KubeletAuthorizationModeWebhook)
	period(&c.Authorization.Webhook.CacheAuthorizedTTL, 5*time.Minute)
	period(&c.Authorization.Webhook.CacheUnauthorizedTTL, 30*time.Second)
	period(&c.StreamingConnectionIdleTimeout, 4*time.Hour)
	def(&c.EnableDebuggingHandlers, true)
	def(&c.EnableProfilingHandler, true)
	def(&c.EnableDebugFlagsHandler, true)
	def(&c.EnableSystemLogHandler, true)
	def(&c.EnableSystemLogQuery, false)
}

func pods(c *kubeletconfig.KubeletConfiguration) {
	zero(&c.PodLogsDir, "/var/log/pods")
	period(&c.SyncFrequency, time.Minute)
	period(&c.FileCheckFrequency, 20*time.Second)
	period(&c.HTTPCheckFrequency, 20*time.Second)
	def(&c.RegistryPullQPS, 5)
	zero(&c.RegistryBurst, 10)
	zero(&c.ImagePullCredentialsVerificationPolicy, kubeletconfig.NeverVerifyPreloadedImages)
	def(&c.SerializeImagePulls, c.MaxParallelImagePulls == nil || *c.MaxParallelImagePulls < 2)
	zero(&c.ConfigMapAndSecretChangeDetectionStrategy, kubeletconfig.WatchChangeDetectionStrategy)
	zero(&c.VolumePluginDir, "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/")
	period(&c.VolumeStatsAggPeriod, time.Minute)
	def(&c.EnableControllerAttachDetach, true)
	zero(&c.ContainerLogMaxSize, "10Mi")
	def(&c.ContainerLogMaxFiles, 5)
	def(&c.ContainerLogMaxWorkers, 1)
	def(&c.ContainerLogMonitorInterval, metav1.Duration{Duration: 10 * time.Second})
	def(&c.SeccompDefault, false)
	def(&c.ResolverConfig, "/etc/resolv.conf")
	zero(&c.MaxPods, 110)
	def(&c.PodPidsLimit, -1)
	def(&c.CrashLoopBackOff.MaxContainerRestartPeriod, metav1.Duration{Duration: 5 * time.Minute})
}

func node(c *kubeletconfig.KubeletConfiguration) {
	def(&c.RegisterNode, true)
	def(&c.EventRecordQPS, 50)
	zero(&c.EventBurst, 100)
	def(&c.OOMScoreAdj, -999)
	period(&c.NodeStatusUpdateFrequency, 10*time.Second)
	period(&c.NodeStatusReportFrequency, 5*time.Minute)
	zero(&c.NodeLeaseDurationSeconds, 40)
	def(&c.CgroupsPerQOS, true)
	zero(&c.CgroupDriver, "cgroupfs")
	zero(&c.CPUManagerPolicy, "none")
	period(&c.CPUManagerReconcilePeriod, 10*time.Second)
	zero(&c.MemoryManagerPolicy, kubeletconfig.NoneMemoryManagerPolicy)
	zero(&c.TopologyManagerPolicy, kubeletconfig.NoneTopologyManagerPolicy)
	zero(&c.TopologyManagerScope, kubeletconfig.ContainerTopologyManagerScope)
	period(&c.RuntimeRequestTimeout, 2*time.Minute)
	zero(&c.HairpinMode, kubeletconfig.PromiscuousBridge)
	def(&c.CPUCFSQuota, true)
	def(&c.CPUCFSQuotaPeriod, metav1.Duration{Duration: 100 * time.Millisecond})
	def(&c.NodeStatusMaxImages, 50)
	zero(&c.MaxOpenFiles, 1000000)
	zero(&c.ContentType, "application/vnd.kubernetes.protobuf")
	def(&c.KubeAPIQPS, 50)
	zero(&c.KubeAPIBurst, 100)
	def(&c.MakeIPTablesUtilChains, true)
	def(&c.IPTablesMasqueradeBit, 14)
	def(&c.IPTablesDropBit, 15)
	def(&c.FailSwapOn, true)
	def(&c.FailCgroupV1, true)
	def(&c.LocalStorageCapacityIsolation, true)
	def(&c.MemoryThrottlingFactor, 0.9)
	if c.EnforceNodeAllocatable == nil {
		c.EnforceNodeAllocatable = []string{"pods"}
	}
	zero(&c.ContainerRuntimeEndpoint, "unix:///run/containerd/containerd.sock")
}

func eviction(c *kubeletconfig.KubeletConfiguration) {
	period(&c.ImageMinimumGCAge, 2*time.Minute)
	def(&c.ImageGCHighThresholdPercent, 85)
	def(&c.ImageGCLowThresholdPercent, 80)
	period(&c.EvictionPressureTransitionPeriod, 5*time.Minute)
	merge := c.MergeDefaultEvictionSettings != nil && *c.MergeDefaultEvictionSettings
	if c.EvictionHard == nil || merge {
		hard := map[string]string{"memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%",
			"imagefs.available": "15%", "imagefs.inodesFree": "5%"}
		for k, v := range c.EvictionHard {
			hard[k] = v
		}
		c.EvictionHard = hard
	}
}
