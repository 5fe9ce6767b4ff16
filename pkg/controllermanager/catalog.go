package controllermanager

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

// entry is one controller of the catalog.
type entry struct {
	name         string // upstream's
	account      string // service account in kube-system whose rights it has
	source       string // component in its events; the account's name if empty
	offByDefault bool
	// build is nil for a controller that is not built yet.
	build func(*deps) (lifecycle.Runner, error)
	// needs tells whether the configuration holds what the controller cannot work without.
	needs func(*Config) bool
}

// catalog lists every controller of upstream's kube-controller-manager 1.36.
func catalog() []entry {
	return []entry{
		{name: "serviceaccount-token-controller", account: "tokens-controller", build: buildServiceAccountToken, needs: tokenKeyGiven},
		{name: "serviceaccount-controller", account: "service-account-controller", build: buildServiceAccount},
		{name: "root-ca-certificate-publisher-controller", account: "root-ca-cert-publisher", build: buildRootCA, needs: func(c *Config) bool { return len(c.RootCA) > 0 }},
		{name: "namespace-controller", account: "namespace-controller", build: buildNamespace},
		{name: "garbage-collector-controller", account: "generic-garbage-collector", source: "garbage-collector-controller", build: buildGarbageCollector, needs: gcEnabled},
		{name: "replicaset-controller", account: "replicaset-controller", build: buildReplicaSet},
		{name: "replicationcontroller-controller", account: "replication-controller", build: buildReplicationController},
		{name: "deployment-controller", account: "deployment-controller", build: buildDeployment},
		{name: "daemonset-controller", account: "daemon-set-controller", build: buildDaemonSet},
		{name: "statefulset-controller", account: "statefulset-controller", build: buildStatefulSet},
		{name: "job-controller", account: "job-controller", build: buildJob},
		{name: "cronjob-controller", account: "cronjob-controller", build: buildCronJob},
		{name: "disruption-controller", account: "disruption-controller", source: "controllermanager", build: buildDisruption},
		{name: "endpoints-controller", account: "endpoint-controller", build: buildEndpoints},
		{name: "endpointslice-controller", account: "endpointslice-controller", source: "endpoint-slice-controller", build: buildEndpointSlice},
		{name: "endpointslice-mirroring-controller", account: "endpointslicemirroring-controller", build: buildEndpointSliceMirroring},
		{name: "node-lifecycle-controller", account: "node-controller", build: buildNodeLifecycle},
		{name: "taint-eviction-controller", account: "node-controller", source: "taint-eviction-controller", build: buildTaintEviction},
		{name: "pod-garbage-collector-controller", account: "pod-garbage-collector", build: buildPodGC},
		{name: "resourcequota-controller", account: "resourcequota-controller", build: buildResourceQuota},
		{name: "horizontal-pod-autoscaler-controller", account: "horizontal-pod-autoscaler", build: buildHorizontalPodAutoscaler},
		{name: "ttl-after-finished-controller", account: "ttl-after-finished-controller", build: buildTTLAfterFinished},
		{name: "ttl-controller", account: "ttl-controller", build: buildNodeTTL},
		{name: "clusterrole-aggregation-controller", account: "clusterrole-aggregation-controller", build: buildClusterRole},
		{name: "certificatesigningrequest-signing-controller", account: "certificate-controller", build: buildCSRSigning, needs: signingConfigured},
		{name: "certificatesigningrequest-approving-controller", account: "certificate-controller", build: buildCSRApproving},
		{name: "certificatesigningrequest-cleaner-controller", account: "certificate-controller", build: buildCSRCleaner},
		// Gate PodCertificateRequest is off by default.
		{name: "podcertificaterequest-cleaner-controller", account: "podcertificaterequestcleaner"},
		// Gate ClusterTrustBundle is off by default.
		{name: "kube-apiserver-serving-clustertrustbundle-publisher-controller", account: "kube-apiserver-serving-clustertrustbundle-publisher"},
		{name: "bootstrap-signer-controller", account: "bootstrap-signer", offByDefault: true, build: buildBootstrapSigner},
		{name: "token-cleaner-controller", account: "token-cleaner", offByDefault: true, build: buildTokenCleaner},
		{name: "legacy-serviceaccount-token-cleaner-controller", account: "legacy-service-account-token-cleaner", build: buildLegacyTokenCleaner},
		{name: "node-ipam-controller", account: "node-controller", build: buildNodeIPAM, needs: nodeIPAMWanted},
		// Routes, load balancers and gone machines are a cloud provider's: cloud-controller-manager runs these three, and without a
		// provider they have nothing to do. No provider is compiled in here, as upstream.
		{name: "node-route-controller", account: "route-controller"},
		{name: "service-lb-controller", account: "service-controller"},
		{name: "cloud-node-lifecycle-controller", account: "cloud-node-lifecycle-controller"},
		{name: "service-cidr-controller", account: "service-cidrs-controller", build: buildServiceCIDR},
		{name: "persistentvolume-binder-controller", account: "persistent-volume-binder", source: "persistentvolume-controller", build: buildVolumeBinder},
		{name: "persistentvolume-attach-detach-controller", account: "attachdetach-controller", source: "attachdetach-controller", build: buildAttachDetach},
		{name: "persistentvolume-expander-controller", account: "expand-controller", source: "volume_expand", build: buildVolumeExpand},
		{name: "persistentvolumeclaim-protection-controller", account: "pvc-protection-controller", build: buildClaimProtection},
		{name: "persistentvolume-protection-controller", account: "pv-protection-controller", build: buildVolumeProtection},
		{name: "volumeattributesclass-protection-controller", account: "volumeattributesclass-protection-controller", build: buildAttributesClassProtection},
		{name: "ephemeral-volume-controller", account: "ephemeral-volume-controller", source: "ephemeral_volume", build: buildEphemeralVolume},
		{name: "resourceclaim-controller", account: "resource-claim-controller", source: "resource_claim", build: buildResourceClaim},
		// Gate DRAResourcePoolStatus is off by default.
		{name: "resourcepoolstatusrequest-controller", account: "resource-pool-status-request-controller"},
		{name: "device-taint-eviction-controller", account: "device-taint-eviction-controller", build: buildDeviceTaintEviction},
		// Gate GenericWorkload is off by default.
		{name: "podgroup-protection-controller", account: "podgroup-protection-controller"},
		{name: "validatingadmissionpolicy-status-controller", account: "validatingadmissionpolicy-status-controller", build: buildPolicyStatus},
		// Gate StorageVersionAPI is off by default.
		{name: "storageversion-garbage-collector-controller", account: "storage-version-garbage-collector"},
		{name: "storage-version-migrator-controller", account: "storage-version-migrator-controller"},
		{name: "selinux-warning-controller", account: "selinux-warning-controller", offByDefault: true},
	}
}

// sharedResources are watched with their full content by some controller of the catalog that is on by default.
var sharedResources = map[schema.GroupVersionResource]bool{
	{Version: "v1", Resource: "pods"}:                                                     true,
	{Version: "v1", Resource: "nodes"}:                                                    true,
	{Version: "v1", Resource: "namespaces"}:                                               true,
	{Version: "v1", Resource: "services"}:                                                 true,
	{Version: "v1", Resource: "serviceaccounts"}:                                          true,
	{Version: "v1", Resource: "replicationcontrollers"}:                                   true,
	{Group: "batch", Version: "v1", Resource: "cronjobs"}:                                 true,
	{Group: "apps", Version: "v1", Resource: "daemonsets"}:                                true,
	{Group: "apps", Version: "v1", Resource: "statefulsets"}:                              true,
	{Group: "apps", Version: "v1", Resource: "controllerrevisions"}:                       true,
	{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"}:                    true,
	{Version: "v1", Resource: "endpoints"}:                                                true,
	{Version: "v1", Resource: "resourcequotas"}:                                           true,
	{Version: "v1", Resource: "persistentvolumeclaims"}:                                   true,
	{Group: "batch", Version: "v1", Resource: "jobs"}:                                     true,
	{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}:         true,
	{Group: "apps", Version: "v1", Resource: "replicasets"}:                               true,
	{Group: "apps", Version: "v1", Resource: "deployments"}:                               true,
	{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}:                true,
	{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}:                     true,
	{Version: "v1", Resource: "persistentvolumes"}:                                        true,
	{Group: "certificates.k8s.io", Version: "v1", Resource: "certificatesigningrequests"}: true,
	{Group: "networking.k8s.io", Version: "v1", Resource: "servicecidrs"}:                 true,
	{Group: "networking.k8s.io", Version: "v1", Resource: "ipaddresses"}:                  true,
	{Group: "resource.k8s.io", Version: "v1", Resource: "resourceclaims"}:                 true,
	{Group: "resource.k8s.io", Version: "v1", Resource: "deviceclasses"}:                  true,
	{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}:                  true,
	{Group: "storage.k8s.io", Version: "v1", Resource: "volumeattachments"}:               true,
	{Group: "storage.k8s.io", Version: "v1", Resource: "csidrivers"}:                      true,
	{Group: "storage.k8s.io", Version: "v1", Resource: "volumeattributesclasses"}:         true,
}

func gcEnabled(c *Config) bool {
	on := c.Settings.GarbageCollectorController.EnableGarbageCollector
	return on == nil || *on
}

// runs makes a Runner of what a controller's New returned.
func runs[T interface{ Run(context.Context) error }](c T, err error) (lifecycle.Runner, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
