package main

import (
	"github.com/spf13/pflag"

	"tiphys.dev/tiphys/pkg/controllermanager"
)

// addControllerFlags binds the flags of single controllers to the settings, whose present values are the defaults.
func addControllerFlags(fs *pflag.FlagSet, s *controllermanager.Settings) {
	addWorkloadFlags(fs, s)
	addNodeFlags(fs, s)
	addVolumeFlags(fs, s)
	addCredentialFlags(fs, s)

	fs.Int32Var(&s.ServiceController.ConcurrentServiceSyncs, "concurrent-service-syncs", s.ServiceController.ConcurrentServiceSyncs, "The number of services that are allowed to sync concurrently.")
	fs.Int32Var(&s.EndpointController.ConcurrentEndpointSyncs, "concurrent-endpoint-syncs", s.EndpointController.ConcurrentEndpointSyncs, "The number of endpoint syncing operations that will be done concurrently.")
	fs.DurationVar(&s.EndpointController.EndpointUpdatesBatchPeriod.Duration, "endpoint-updates-batch-period", 0, "The length of endpoint updates batching period.")
	fs.Int32Var(&s.EndpointSliceController.ConcurrentServiceEndpointSyncs, "concurrent-service-endpoint-syncs", s.EndpointSliceController.ConcurrentServiceEndpointSyncs, "The number of service endpoint syncing operations that will be done concurrently.")
	fs.DurationVar(&s.EndpointSliceController.EndpointUpdatesBatchPeriod.Duration, "endpointslice-updates-batch-period", 0, "The length of endpoint slice updates batching period.")
	fs.Int32Var(&s.EndpointSliceController.MaxEndpointsPerSlice, "max-endpoints-per-slice", s.EndpointSliceController.MaxEndpointsPerSlice, "The maximum number of endpoints that will be added to an EndpointSlice.")
	m := &s.EndpointSliceMirroringController
	fs.Int32Var(&m.MirroringConcurrentServiceEndpointSyncs, "mirroring-concurrent-service-endpoint-syncs", m.MirroringConcurrentServiceEndpointSyncs, "The number of service endpoint syncing operations that will be done concurrently by the endpointslice-mirroring-controller.")
	fs.DurationVar(&m.MirroringEndpointUpdatesBatchPeriod.Duration, "mirroring-endpointslice-updates-batch-period", 0, "The length of EndpointSlice updates batching period for the endpointslice-mirroring-controller.")
	fs.Int32Var(&m.MirroringMaxEndpointsPerSubset, "mirroring-max-endpoints-per-subset", m.MirroringMaxEndpointsPerSubset, "The maximum number of endpoints that will be added to an EndpointSlice by the endpointslice-mirroring-controller.")
	fs.BoolVar(s.GarbageCollectorController.EnableGarbageCollector, "enable-garbage-collector", *s.GarbageCollectorController.EnableGarbageCollector, "Enables the generic garbage collector. Must be synced with the corresponding flag of the kube-apiserver.")
	fs.Int32Var(&s.GarbageCollectorController.ConcurrentGCSyncs, "concurrent-gc-syncs", s.GarbageCollectorController.ConcurrentGCSyncs, "The number of garbage collector workers that are allowed to sync concurrently.")
	fs.Int32Var(&s.NamespaceController.ConcurrentNamespaceSyncs, "concurrent-namespace-syncs", s.NamespaceController.ConcurrentNamespaceSyncs, "The number of namespace objects that are allowed to sync concurrently.")
	fs.DurationVar(&s.NamespaceController.NamespaceSyncPeriod.Duration, "namespace-sync-period", s.NamespaceController.NamespaceSyncPeriod.Duration, "The period for syncing namespace life-cycle updates.")
	fs.Int32Var(&s.ResourceQuotaController.ConcurrentResourceQuotaSyncs, "concurrent-resource-quota-syncs", s.ResourceQuotaController.ConcurrentResourceQuotaSyncs, "The number of resource quotas that are allowed to sync concurrently.")
	fs.DurationVar(&s.ResourceQuotaController.ResourceQuotaSyncPeriod.Duration, "resource-quota-sync-period", s.ResourceQuotaController.ResourceQuotaSyncPeriod.Duration, "The period for syncing quota usage status in the system.")
	fs.Int32Var(&s.ValidatingAdmissionPolicyStatusController.ConcurrentPolicySyncs, "concurrent-validating-admission-policy-status-syncs", s.ValidatingAdmissionPolicyStatusController.ConcurrentPolicySyncs, "The number of ValidatingAdmissionPolicyStatusController workers that are allowed to sync concurrently.")
}

func addWorkloadFlags(fs *pflag.FlagSet, s *controllermanager.Settings) {
	fs.Int32Var(&s.DeploymentController.ConcurrentDeploymentSyncs, "concurrent-deployment-syncs", s.DeploymentController.ConcurrentDeploymentSyncs, "The number of deployment objects that are allowed to sync concurrently.")
	fs.Int32Var(&s.StatefulSetController.ConcurrentStatefulSetSyncs, "concurrent-statefulset-syncs", s.StatefulSetController.ConcurrentStatefulSetSyncs, "The number of statefulset objects that are allowed to sync concurrently.")
	fs.Int32Var(&s.DaemonSetController.ConcurrentDaemonSetSyncs, "concurrent-daemonset-syncs", s.DaemonSetController.ConcurrentDaemonSetSyncs, "The number of daemonset objects that are allowed to sync concurrently.")
	fs.Int32Var(&s.ReplicaSetController.ConcurrentRSSyncs, "concurrent-replicaset-syncs", s.ReplicaSetController.ConcurrentRSSyncs, "The number of replica sets that are allowed to sync concurrently.")
	fs.Int32Var(&s.ReplicationController.ConcurrentRCSyncs, "concurrent-rc-syncs", s.ReplicationController.ConcurrentRCSyncs, "The number of replication controllers that are allowed to sync concurrently.")
	fs.Int32Var(&s.JobController.ConcurrentJobSyncs, "concurrent-job-syncs", s.JobController.ConcurrentJobSyncs, "The number of job objects that are allowed to sync concurrently.")
	fs.Int32Var(&s.CronJobController.ConcurrentCronJobSyncs, "concurrent-cron-job-syncs", s.CronJobController.ConcurrentCronJobSyncs, "The number of cron job objects that are allowed to sync concurrently.")
	fs.Int32Var(&s.TTLAfterFinishedController.ConcurrentTTLSyncs, "concurrent-ttl-after-finished-syncs", s.TTLAfterFinishedController.ConcurrentTTLSyncs, "The number of ttl-after-finished-controller workers that are allowed to sync concurrently.")
	fs.Int32Var(&s.DeviceTaintEvictionController.ConcurrentSyncs, "concurrent-device-taint-eviction-syncs", s.DeviceTaintEvictionController.ConcurrentSyncs, "The number of operations (deleting a pod, updating a ResourceClaim status, etc.) that will be done concurrently.")
	fs.Int32Var(&s.ResourceClaimController.ConcurrentSyncs, "concurrent-resourceclaim-syncs", s.ResourceClaimController.ConcurrentSyncs, "The number of operations (creating or deleting a ResourceClaim, updating a ResourceClaim status, etc.) that will be done concurrently.")
	h := &s.HPAController
	fs.Int32Var(&h.ConcurrentHorizontalPodAutoscalerSyncs, "concurrent-horizontal-pod-autoscaler-syncs", h.ConcurrentHorizontalPodAutoscalerSyncs, "The number of horizontal pod autoscaler objects that are allowed to sync concurrently.")
	fs.DurationVar(&h.HorizontalPodAutoscalerSyncPeriod.Duration, "horizontal-pod-autoscaler-sync-period", h.HorizontalPodAutoscalerSyncPeriod.Duration, "The period for syncing the number of pods in horizontal pod autoscaler.")
	fs.DurationVar(&h.HorizontalPodAutoscalerDownscaleStabilizationWindow.Duration, "horizontal-pod-autoscaler-downscale-stabilization", h.HorizontalPodAutoscalerDownscaleStabilizationWindow.Duration, "The period for which autoscaler will look backwards and not scale down below any recommendation it made during that period.")
	fs.Float64Var(&h.HorizontalPodAutoscalerTolerance, "horizontal-pod-autoscaler-tolerance", h.HorizontalPodAutoscalerTolerance, "The minimum change (from 1.0) in the desired-to-actual metrics ratio for the horizontal pod autoscaler to consider scaling.")
	fs.DurationVar(&h.HorizontalPodAutoscalerCPUInitializationPeriod.Duration, "horizontal-pod-autoscaler-cpu-initialization-period", h.HorizontalPodAutoscalerCPUInitializationPeriod.Duration, "The period after pod start when CPU samples might be skipped.")
	fs.DurationVar(&h.HorizontalPodAutoscalerInitialReadinessDelay.Duration, "horizontal-pod-autoscaler-initial-readiness-delay", h.HorizontalPodAutoscalerInitialReadinessDelay.Duration, "The period after pod start during which readiness changes will be treated as initial readiness.")
}

func addNodeFlags(fs *pflag.FlagSet, s *controllermanager.Settings) {
	n := &s.NodeLifecycleController
	fs.DurationVar(&n.NodeStartupGracePeriod.Duration, "node-startup-grace-period", n.NodeStartupGracePeriod.Duration, "Amount of time which we allow starting Node to be unresponsive before marking it unhealthy.")
	fs.DurationVar(&n.NodeMonitorGracePeriod.Duration, "node-monitor-grace-period", n.NodeMonitorGracePeriod.Duration, "Amount of time which we allow running Node to be unresponsive before marking it unhealthy.")
	fs.Float32Var(&n.NodeEvictionRate, "node-eviction-rate", n.NodeEvictionRate, "Number of nodes per second on which pods are deleted in case of node failure when a zone is healthy (see --unhealthy-zone-threshold for definition of healthy/unhealthy).")
	fs.Float32Var(&n.SecondaryNodeEvictionRate, "secondary-node-eviction-rate", n.SecondaryNodeEvictionRate, "Number of nodes per second on which pods are deleted in case of node failure when a zone is unhealthy.")
	fs.Int32Var(&n.LargeClusterSizeThreshold, "large-cluster-size-threshold", n.LargeClusterSizeThreshold, "Number of nodes from which node-lifecycle-controller treats the cluster as large for the eviction logic purposes.")
	fs.Float32Var(&n.UnhealthyZoneThreshold, "unhealthy-zone-threshold", n.UnhealthyZoneThreshold, "Fraction of Nodes in a zone which needs to be not Ready (minimum 3) for zone to be treated as unhealthy.")
	i := &s.NodeIPAMController
	fs.StringVar(&i.ServiceCIDR, "service-cluster-ip-range", "", "CIDR Range for Services in cluster. Only used when --allocate-node-cidrs=true; if false, this option will be ignored.")
	fs.Int32Var(&i.NodeCIDRMaskSize, "node-cidr-mask-size", 0, "Mask size for node cidr in cluster. Default is 24 for IPv4 and 64 for IPv6.")
	fs.Int32Var(&i.NodeCIDRMaskSizeIPv4, "node-cidr-mask-size-ipv4", 0, "Mask size for IPv4 node cidr in dual-stack cluster. Default is 24.")
	fs.Int32Var(&i.NodeCIDRMaskSizeIPv6, "node-cidr-mask-size-ipv6", 0, "Mask size for IPv6 node cidr in dual-stack cluster. Default is 64.")
	fs.Int32Var(&s.PodGCController.TerminatedPodGCThreshold, "terminated-pod-gc-threshold", s.PodGCController.TerminatedPodGCThreshold, "Number of terminated pods that can exist before the terminated pod garbage collector starts deleting terminated pods. If <= 0, the terminated pod garbage collector is disabled.")
}

func addVolumeFlags(fs *pflag.FlagSet, s *controllermanager.Settings) {
	a := &s.AttachDetachController
	fs.DurationVar(&a.ReconcilerSyncLoopPeriod.Duration, "attach-detach-reconcile-sync-period", a.ReconcilerSyncLoopPeriod.Duration, "The reconciler sync wait time between volume attach detach. This duration must be larger than one second.")
	fs.BoolVar(&a.DisableAttachDetachReconcilerSync, "disable-attach-detach-reconcile-sync", false, "Disable volume attach detach reconciler sync.")
	fs.BoolVar(&a.DisableForceDetachOnTimeout, "disable-force-detach-on-timeout", false, "Prevent force detaching volumes based on maximum unmount time and node status.")
	fs.Int32Var(&s.EphemeralVolumeController.ConcurrentEphemeralVolumeSyncs, "concurrent-ephemeralvolume-syncs", s.EphemeralVolumeController.ConcurrentEphemeralVolumeSyncs, "The number of ephemeral volume syncing operations that will be done concurrently.")
	b := &s.PersistentVolumeBinderController
	fs.DurationVar(&b.PVClaimBinderSyncPeriod.Duration, "pvclaimbinder-sync-period", b.PVClaimBinderSyncPeriod.Duration, "The period for syncing persistent volumes and persistent volume claims.")
	v := &b.VolumeConfiguration
	provisioning := true
	v.EnableDynamicProvisioning, v.EnableHostPathProvisioning = &provisioning, new(bool)
	fs.BoolVar(v.EnableDynamicProvisioning, "enable-dynamic-provisioning", true, "Enable dynamic provisioning for environments that support it.")
	fs.BoolVar(v.EnableHostPathProvisioning, "enable-hostpath-provisioner", false, "Enable HostPath PV provisioning when running without a cloud provider. For testing and development only.")
	fs.StringVar(&v.FlexVolumePluginDir, "flex-volume-plugin-dir", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/", "Full path of the directory in which the flex volume plugin should search for additional third party volume plugins.")
	r := &v.PersistentVolumeRecyclerConfiguration
	timeout := fs.Int32Var
	timeout(&r.IncrementTimeoutNFS, "pv-recycler-increment-timeout-nfs", 30, "The increment of time added per Gi to ActiveDeadlineSeconds for an NFS scrubber pod.")
	timeout(&r.MinimumTimeoutHostPath, "pv-recycler-minimum-timeout-hostpath", 60, "The minimum ActiveDeadlineSeconds to use for a HostPath Recycler pod.")
	timeout(&r.MinimumTimeoutNFS, "pv-recycler-minimum-timeout-nfs", 300, "The minimum ActiveDeadlineSeconds to use for an NFS Recycler pod.")
	timeout(&r.IncrementTimeoutHostPath, "pv-recycler-timeout-increment-hostpath", 30, "The increment of time added per Gi to ActiveDeadlineSeconds for a HostPath scrubber pod.")
	fs.StringVar(&r.PodTemplateFilePathHostPath, "pv-recycler-pod-template-filepath-hostpath", "", "The file path to a pod definition used as a template for HostPath persistent volume recycling.")
	fs.StringVar(&r.PodTemplateFilePathNFS, "pv-recycler-pod-template-filepath-nfs", "", "The file path to a pod definition used as a template for NFS persistent volume recycling.")
}

func addCredentialFlags(fs *pflag.FlagSet, s *controllermanager.Settings) {
	c := &s.CSRSigningController
	fs.StringVar(&c.ClusterSigningCertFile, "cluster-signing-cert-file", "", "Filename containing a PEM-encoded X509 CA certificate used to issue cluster-scoped certificates. If specified, no more specific --cluster-signing-* flag may be specified.")
	fs.StringVar(&c.ClusterSigningKeyFile, "cluster-signing-key-file", "", "Filename containing a PEM-encoded RSA or ECDSA private key used to sign cluster-scoped certificates. If specified, no more specific --cluster-signing-* flag may be specified.")
	fs.DurationVar(&c.ClusterSigningDuration.Duration, "cluster-signing-duration", c.ClusterSigningDuration.Duration, "The max length of duration signed certificates will be given.  Individual CSRs may request shorter certs by setting spec.expirationSeconds.")
	for name, pair := range map[string]*[2]*string{
		"kube-apiserver-client": {&c.KubeAPIServerClientSignerConfiguration.CertFile, &c.KubeAPIServerClientSignerConfiguration.KeyFile},
		"kubelet-client":        {&c.KubeletClientSignerConfiguration.CertFile, &c.KubeletClientSignerConfiguration.KeyFile},
		"kubelet-serving":       {&c.KubeletServingSignerConfiguration.CertFile, &c.KubeletServingSignerConfiguration.KeyFile},
		"legacy-unknown":        {&c.LegacyUnknownSignerConfiguration.CertFile, &c.LegacyUnknownSignerConfiguration.KeyFile},
	} {
		fs.StringVar(pair[0], "cluster-signing-"+name+"-cert-file", "", "Filename containing a PEM-encoded X509 CA certificate used to issue certificates for the kubernetes.io/"+name+" signer.")
		fs.StringVar(pair[1], "cluster-signing-"+name+"-key-file", "", "Filename containing a PEM-encoded RSA or ECDSA private key used to sign certificates for the kubernetes.io/"+name+" signer.")
	}
	fs.StringVar(&s.SAController.ServiceAccountKeyFile, "service-account-private-key-file", "", "Filename containing a PEM-encoded private RSA or ECDSA key used to sign service account tokens.")
	fs.Int32Var(&s.SAController.ConcurrentSATokenSyncs, "concurrent-serviceaccount-token-syncs", s.SAController.ConcurrentSATokenSyncs, "The number of service account token objects that are allowed to sync concurrently.")
	fs.StringVar(&s.SAController.RootCAFile, "root-ca-file", "", "If set, this root certificate authority will be included in service account's token secret. This must be a valid PEM-encoded CA bundle.")
	fs.DurationVar(&s.LegacySATokenCleaner.CleanUpPeriod.Duration, "legacy-service-account-token-clean-up-period", s.LegacySATokenCleaner.CleanUpPeriod.Duration, "The period of time since the last usage of an legacy service account token before it can be deleted.")
}
