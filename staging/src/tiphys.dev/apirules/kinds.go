package apirules

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiserverinternalv1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	coordinationv1 "k8s.io/api/coordination/v1"
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"

	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/mutatingwebhookconfiguration"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/validatingwebhookconfiguration"
	"tiphys.dev/apirules/apiserverinternal/storageversion"
	"tiphys.dev/apirules/apps/controllerrevision"
	"tiphys.dev/apirules/apps/daemonset"
	"tiphys.dev/apirules/apps/deployment"
	"tiphys.dev/apirules/apps/replicaset"
	"tiphys.dev/apirules/apps/statefulset"
	"tiphys.dev/apirules/authentication/selfsubjectreview"
	"tiphys.dev/apirules/authentication/tokenreview"
	"tiphys.dev/apirules/authorization/localsubjectaccessreview"
	"tiphys.dev/apirules/authorization/selfsubjectaccessreview"
	"tiphys.dev/apirules/authorization/selfsubjectrulesreview"
	"tiphys.dev/apirules/authorization/subjectaccessreview"
	"tiphys.dev/apirules/autoscaling/horizontalpodautoscaler"
	"tiphys.dev/apirules/batch/cronjob"
	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/certificates/certificatesigningrequest"
	"tiphys.dev/apirules/certificates/clustertrustbundle"
	"tiphys.dev/apirules/coordination/lease"
	"tiphys.dev/apirules/coordination/leasecandidate"
	"tiphys.dev/apirules/core/binding"
	"tiphys.dev/apirules/core/configmap"
	"tiphys.dev/apirules/core/endpoints"
	"tiphys.dev/apirules/core/event"
	"tiphys.dev/apirules/core/limitrange"
	"tiphys.dev/apirules/core/namespace"
	"tiphys.dev/apirules/core/node"
	"tiphys.dev/apirules/core/persistentvolume"
	"tiphys.dev/apirules/core/persistentvolumeclaim"
	"tiphys.dev/apirules/core/pod"
	"tiphys.dev/apirules/core/podtemplate"
	"tiphys.dev/apirules/core/replicationcontroller"
	"tiphys.dev/apirules/core/resourcequota"
	"tiphys.dev/apirules/core/secret"
	"tiphys.dev/apirules/core/service"
	"tiphys.dev/apirules/core/serviceaccount"
	"tiphys.dev/apirules/discovery/endpointslice"
	"tiphys.dev/apirules/flowcontrol/flowschema"
	"tiphys.dev/apirules/flowcontrol/prioritylevelconfiguration"
	"tiphys.dev/apirules/networking/ingress"
	"tiphys.dev/apirules/networking/ingressclass"
	"tiphys.dev/apirules/networking/ipaddress"
	"tiphys.dev/apirules/networking/networkpolicy"
	"tiphys.dev/apirules/networking/servicecidr"
	"tiphys.dev/apirules/node/runtimeclass"
	"tiphys.dev/apirules/policy/poddisruptionbudget"
	"tiphys.dev/apirules/rbac/clusterrole"
	"tiphys.dev/apirules/rbac/clusterrolebinding"
	"tiphys.dev/apirules/rbac/role"
	"tiphys.dev/apirules/rbac/rolebinding"
	"tiphys.dev/apirules/resource/deviceclass"
	"tiphys.dev/apirules/resource/devicetaintrule"
	"tiphys.dev/apirules/resource/resourceclaim"
	"tiphys.dev/apirules/resource/resourceclaimtemplate"
	"tiphys.dev/apirules/resource/resourcepoolstatusrequest"
	"tiphys.dev/apirules/resource/resourceslice"
	"tiphys.dev/apirules/scheduling/priorityclass"
	"tiphys.dev/apirules/storage/csidriver"
	"tiphys.dev/apirules/storage/csinode"
	"tiphys.dev/apirules/storage/csistoragecapacity"
	"tiphys.dev/apirules/storage/storageclass"
	"tiphys.dev/apirules/storage/volumeattachment"
	"tiphys.dev/apirules/storage/volumeattributesclass"
	"tiphys.dev/apirules/storagemigration/storageversionmigration"
)

// kinds are all that a client can create, sorted by group and kind; what is answered and not stored comes last.
var kinds = []*Kind{
	stored("", "ConfigMap", "configmaps", namespaced, &corev1.ConfigMapList{}, rules[corev1.ConfigMap]{
		create: configmap.Validate, update: configmap.ValidateUpdate,
	}),
	stored("", "Endpoints", "endpoints", namespaced, &corev1.EndpointsList{}, rules[corev1.Endpoints]{
		defaults: endpoints.SetDefaults, create: endpoints.Validate, update: endpoints.ValidateUpdate, warnings: endpoints.Warnings, updateWarnings: endpoints.UpdateWarnings,
	}),
	stored("", "Event", "events", namespaced, &corev1.EventList{}, rules[corev1.Event]{
		create: event.Validate, update: event.ValidateUpdate,
	}),
	stored("", "LimitRange", "limitranges", namespaced, &corev1.LimitRangeList{}, rules[corev1.LimitRange]{
		defaults: limitrange.SetDefaults, create: limitrange.Validate, update: limitrange.ValidateUpdate,
	}),
	stored("", "Namespace", "namespaces", clusterScoped, &corev1.NamespaceList{}, rules[corev1.Namespace]{
		defaults: namespace.SetDefaults, create: namespace.Validate, update: namespace.ValidateUpdate, status: namespace.ValidateStatusUpdate,
	}),
	stored("", "Node", "nodes", clusterScoped, &corev1.NodeList{}, rules[corev1.Node]{
		defaults: node.SetDefaults, create: node.Validate, update: node.ValidateUpdate, status: node.ValidateStatusUpdate, warnings: node.Warnings, updateWarnings: node.UpdateWarnings, keepsStatus: true,
	}),
	stored("", "PersistentVolume", "persistentvolumes", clusterScoped, &corev1.PersistentVolumeList{}, rules[corev1.PersistentVolume]{
		defaults: persistentvolume.SetDefaults, create: persistentvolume.Validate, update: persistentvolume.ValidateUpdate, status: persistentvolume.ValidateStatusUpdate, warnings: persistentvolume.Warnings, updateWarnings: persistentvolume.UpdateWarnings,
	}),
	stored("", "PersistentVolumeClaim", "persistentvolumeclaims", namespaced, &corev1.PersistentVolumeClaimList{}, rules[corev1.PersistentVolumeClaim]{
		defaults: persistentvolumeclaim.SetDefaults, prepare: preparePersistentVolumeClaim, create: persistentvolumeclaim.Validate, update: persistentvolumeclaim.ValidateUpdate, status: persistentvolumeclaim.ValidateStatusUpdate, warnings: persistentvolumeclaim.Warnings, updateWarnings: persistentvolumeclaim.UpdateWarnings,
	}),
	stored("", "Pod", "pods", namespaced, &corev1.PodList{}, rules[corev1.Pod]{
		defaults: pod.SetDefaults, prepare: preparePod, create: pod.Validate, update: pod.ValidateUpdate, status: pod.ValidateStatusUpdate, warnings: pod.Warnings, updateWarnings: pod.UpdateWarnings,
	}),
	stored("", "PodTemplate", "podtemplates", namespaced, &corev1.PodTemplateList{}, rules[corev1.PodTemplate]{
		defaults: podtemplate.SetDefaults, prepare: preparePodTemplate, create: podtemplate.Validate, update: podtemplate.ValidateUpdate, warnings: podtemplate.Warnings, updateWarnings: podtemplate.UpdateWarnings,
	}),
	stored("", "ReplicationController", "replicationcontrollers", namespaced, &corev1.ReplicationControllerList{}, rules[corev1.ReplicationController]{
		defaults: replicationcontroller.SetDefaults, prepare: prepareReplicationController, create: replicationcontroller.Validate, update: replicationcontroller.ValidateUpdate, status: replicationcontroller.ValidateStatusUpdate, warnings: replicationcontroller.Warnings, updateWarnings: replicationcontroller.UpdateWarnings,
	}),
	stored("", "ResourceQuota", "resourcequotas", namespaced, &corev1.ResourceQuotaList{}, rules[corev1.ResourceQuota]{
		defaults: resourcequota.SetDefaults, create: resourcequota.Validate, update: resourcequota.ValidateUpdate, status: resourcequota.ValidateStatusUpdate,
	}),
	stored("", "Secret", "secrets", namespaced, &corev1.SecretList{}, rules[corev1.Secret]{
		defaults: secret.SetDefaults, create: secret.Validate, update: secret.ValidateUpdate, warnings: secret.Warnings, updateWarnings: secret.UpdateWarnings,
	}),
	stored("", "Service", "services", namespaced, &corev1.ServiceList{}, rules[corev1.Service]{
		defaults: service.SetDefaults, prepare: prepareService, create: service.Validate, update: service.ValidateUpdate, status: service.ValidateStatusUpdate, warnings: service.Warnings, updateWarnings: service.UpdateWarnings,
	}),
	stored("", "ServiceAccount", "serviceaccounts", namespaced, &corev1.ServiceAccountList{}, rules[corev1.ServiceAccount]{
		prepare: prepareServiceAccount, create: serviceaccount.Validate, update: serviceaccount.ValidateUpdate, warnings: serviceaccount.Warnings, updateWarnings: serviceaccount.UpdateWarnings,
	}),
	stored("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", clusterScoped, &admissionregistrationv1.MutatingAdmissionPolicyList{}, rules[admissionregistrationv1.MutatingAdmissionPolicy]{
		defaults: mutatingadmissionpolicy.SetDefaults, create: mutatingadmissionpolicy.Validate, update: mutatingadmissionpolicy.ValidateUpdate,
	}),
	stored("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", clusterScoped, &admissionregistrationv1.MutatingAdmissionPolicyBindingList{}, rules[admissionregistrationv1.MutatingAdmissionPolicyBinding]{
		defaults: mutatingadmissionpolicybinding.SetDefaults, create: mutatingadmissionpolicybinding.Validate, update: mutatingadmissionpolicybinding.ValidateUpdate,
	}),
	stored("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", clusterScoped, &admissionregistrationv1.MutatingWebhookConfigurationList{}, rules[admissionregistrationv1.MutatingWebhookConfiguration]{
		defaults: mutatingwebhookconfiguration.SetDefaults, create: mutatingwebhookconfiguration.Validate, update: mutatingwebhookconfiguration.ValidateUpdate,
	}),
	stored("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", clusterScoped, &admissionregistrationv1.ValidatingAdmissionPolicyList{}, rules[admissionregistrationv1.ValidatingAdmissionPolicy]{
		defaults: validatingadmissionpolicy.SetDefaults, create: validatingadmissionpolicy.Validate, update: validatingadmissionpolicy.ValidateUpdate, status: validatingadmissionpolicy.ValidateStatusUpdate,
	}),
	stored("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", clusterScoped, &admissionregistrationv1.ValidatingAdmissionPolicyBindingList{}, rules[admissionregistrationv1.ValidatingAdmissionPolicyBinding]{
		defaults: validatingadmissionpolicybinding.SetDefaults, create: validatingadmissionpolicybinding.Validate, update: validatingadmissionpolicybinding.ValidateUpdate,
	}),
	stored("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", clusterScoped, &admissionregistrationv1.ValidatingWebhookConfigurationList{}, rules[admissionregistrationv1.ValidatingWebhookConfiguration]{
		defaults: validatingwebhookconfiguration.SetDefaults, create: validatingwebhookconfiguration.Validate, update: validatingwebhookconfiguration.ValidateUpdate,
	}),
	stored("apps", "ControllerRevision", "controllerrevisions", namespaced, &appsv1.ControllerRevisionList{}, rules[appsv1.ControllerRevision]{
		create: controllerrevision.Validate, update: controllerrevision.ValidateUpdate,
	}),
	stored("apps", "DaemonSet", "daemonsets", namespaced, &appsv1.DaemonSetList{}, rules[appsv1.DaemonSet]{
		defaults: daemonset.SetDefaults, prepare: prepareDaemonSet, create: daemonset.Validate, update: daemonset.ValidateUpdate, status: daemonset.ValidateStatusUpdate, warnings: daemonset.Warnings, updateWarnings: daemonset.UpdateWarnings,
	}),
	stored("apps", "Deployment", "deployments", namespaced, &appsv1.DeploymentList{}, rules[appsv1.Deployment]{
		defaults: deployment.SetDefaults, prepare: prepareDeployment, create: deployment.Validate, update: deployment.ValidateUpdate, status: deployment.ValidateStatusUpdate, warnings: deployment.Warnings, updateWarnings: deployment.UpdateWarnings,
	}),
	stored("apps", "ReplicaSet", "replicasets", namespaced, &appsv1.ReplicaSetList{}, rules[appsv1.ReplicaSet]{
		defaults: replicaset.SetDefaults, prepare: prepareReplicaSet, create: replicaset.Validate, update: replicaset.ValidateUpdate, status: replicaset.ValidateStatusUpdate, warnings: replicaset.Warnings, updateWarnings: replicaset.UpdateWarnings,
	}),
	stored("apps", "StatefulSet", "statefulsets", namespaced, &appsv1.StatefulSetList{}, rules[appsv1.StatefulSet]{
		defaults: statefulset.SetDefaults, prepare: prepareStatefulSet, create: statefulset.Validate, update: statefulset.ValidateUpdate, status: statefulset.ValidateStatusUpdate, warnings: statefulset.Warnings, updateWarnings: statefulset.UpdateWarnings,
	}),
	stored("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", namespaced, &autoscalingv2.HorizontalPodAutoscalerList{}, rules[autoscalingv2.HorizontalPodAutoscaler]{
		defaults: horizontalpodautoscaler.SetDefaults, create: horizontalpodautoscaler.Validate, update: horizontalpodautoscaler.ValidateUpdate, status: horizontalpodautoscaler.ValidateStatusUpdate,
	}),
	stored("batch", "CronJob", "cronjobs", namespaced, &batchv1.CronJobList{}, rules[batchv1.CronJob]{
		defaults: cronjob.SetDefaults, prepare: prepareCronJob, create: cronjob.Validate, update: cronjob.ValidateUpdate, warnings: cronjob.Warnings, updateWarnings: cronjob.UpdateWarnings,
	}),
	stored("batch", "Job", "jobs", namespaced, &batchv1.JobList{}, rules[batchv1.Job]{
		defaults: job.SetDefaults, prepare: prepareJob, create: job.Validate, update: job.ValidateUpdate, status: job.ValidateStatusUpdate, warnings: job.Warnings, updateWarnings: job.UpdateWarnings,
	}),
	stored("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests", clusterScoped, &certificatesv1.CertificateSigningRequestList{}, rules[certificatesv1.CertificateSigningRequest]{
		defaults: certificatesigningrequest.SetDefaults, prepare: prepareCertificateSigningRequest, create: certificatesigningrequest.Validate, update: certificatesigningrequest.ValidateUpdate, status: certificatesigningrequest.ValidateStatusUpdate,
	}),
	stored("certificates.k8s.io", "ClusterTrustBundle", "clustertrustbundles", clusterScoped, &certificatesv1beta1.ClusterTrustBundleList{}, rules[certificatesv1beta1.ClusterTrustBundle]{
		create: clustertrustbundle.Validate, update: clustertrustbundle.ValidateUpdate,
	}),
	stored("coordination.k8s.io", "Lease", "leases", namespaced, &coordinationv1.LeaseList{}, rules[coordinationv1.Lease]{
		prepare: prepareLease, create: lease.Validate, update: lease.ValidateUpdate,
	}),
	stored("coordination.k8s.io", "LeaseCandidate", "leasecandidates", namespaced, &coordinationv1beta1.LeaseCandidateList{}, rules[coordinationv1beta1.LeaseCandidate]{
		create: leasecandidate.Validate, update: leasecandidate.ValidateUpdate,
	}),
	stored("discovery.k8s.io", "EndpointSlice", "endpointslices", namespaced, &discoveryv1.EndpointSliceList{}, rules[discoveryv1.EndpointSlice]{
		defaults: endpointslice.SetDefaults, create: endpointslice.Validate, update: endpointslice.ValidateUpdate, warnings: endpointslice.Warnings, updateWarnings: endpointslice.UpdateWarnings,
	}),
	stored("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas", clusterScoped, &flowcontrolv1.FlowSchemaList{}, rules[flowcontrolv1.FlowSchema]{
		defaults: flowschema.SetDefaults, create: flowschema.Validate, update: flowschema.ValidateUpdate, status: flowschema.ValidateStatusUpdate,
	}),
	stored("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "prioritylevelconfigurations", clusterScoped, &flowcontrolv1.PriorityLevelConfigurationList{}, rules[flowcontrolv1.PriorityLevelConfiguration]{
		defaults: prioritylevelconfiguration.SetDefaults, create: prioritylevelconfiguration.Validate, update: prioritylevelconfiguration.ValidateUpdate, status: prioritylevelconfiguration.ValidateStatusUpdate,
	}),
	stored("internal.apiserver.k8s.io", "StorageVersion", "storageversions", clusterScoped, &apiserverinternalv1alpha1.StorageVersionList{}, rules[apiserverinternalv1alpha1.StorageVersion]{
		create: storageversion.Validate, update: storageversion.ValidateUpdate, status: storageversion.ValidateStatusUpdate,
	}),
	stored("networking.k8s.io", "IPAddress", "ipaddresses", clusterScoped, &networkingv1.IPAddressList{}, rules[networkingv1.IPAddress]{
		create: ipaddress.Validate, update: ipaddress.ValidateUpdate,
	}),
	stored("networking.k8s.io", "Ingress", "ingresses", namespaced, &networkingv1.IngressList{}, rules[networkingv1.Ingress]{
		create: ingress.Validate, update: ingress.ValidateUpdate, status: ingress.ValidateStatusUpdate, warnings: ingress.Warnings,
	}),
	stored("networking.k8s.io", "IngressClass", "ingressclasses", clusterScoped, &networkingv1.IngressClassList{}, rules[networkingv1.IngressClass]{
		defaults: ingressclass.SetDefaults, create: ingressclass.Validate, update: ingressclass.ValidateUpdate,
	}),
	stored("networking.k8s.io", "NetworkPolicy", "networkpolicies", namespaced, &networkingv1.NetworkPolicyList{}, rules[networkingv1.NetworkPolicy]{
		defaults: networkpolicy.SetDefaults, create: networkpolicy.Validate, update: networkpolicy.ValidateUpdate, warnings: networkpolicy.Warnings, updateWarnings: networkpolicy.UpdateWarnings,
	}),
	stored("networking.k8s.io", "ServiceCIDR", "servicecidrs", clusterScoped, &networkingv1.ServiceCIDRList{}, rules[networkingv1.ServiceCIDR]{
		create: servicecidr.Validate, update: servicecidr.ValidateUpdate, status: servicecidr.ValidateStatusUpdate,
	}),
	stored("node.k8s.io", "RuntimeClass", "runtimeclasses", clusterScoped, &nodev1.RuntimeClassList{}, rules[nodev1.RuntimeClass]{
		defaults: runtimeclass.SetDefaults, create: runtimeclass.Validate, update: runtimeclass.ValidateUpdate, warnings: runtimeclass.Warnings, updateWarnings: runtimeclass.UpdateWarnings,
	}),
	stored("policy", "PodDisruptionBudget", "poddisruptionbudgets", namespaced, &policyv1.PodDisruptionBudgetList{}, rules[policyv1.PodDisruptionBudget]{
		create: poddisruptionbudget.Validate, update: poddisruptionbudget.ValidateUpdate, status: poddisruptionbudget.ValidateStatusUpdate,
	}),
	stored("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", clusterScoped, &rbacv1.ClusterRoleList{}, rules[rbacv1.ClusterRole]{
		create: clusterrole.Validate, update: clusterrole.ValidateUpdate,
	}),
	stored("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", clusterScoped, &rbacv1.ClusterRoleBindingList{}, rules[rbacv1.ClusterRoleBinding]{
		defaults: clusterrolebinding.SetDefaults, create: clusterrolebinding.Validate, update: clusterrolebinding.ValidateUpdate,
	}),
	stored("rbac.authorization.k8s.io", "Role", "roles", namespaced, &rbacv1.RoleList{}, rules[rbacv1.Role]{
		create: role.Validate, update: role.ValidateUpdate,
	}),
	stored("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", namespaced, &rbacv1.RoleBindingList{}, rules[rbacv1.RoleBinding]{
		defaults: rolebinding.SetDefaults, create: rolebinding.Validate, update: rolebinding.ValidateUpdate,
	}),
	stored("resource.k8s.io", "DeviceClass", "deviceclasses", clusterScoped, &resourcev1.DeviceClassList{}, rules[resourcev1.DeviceClass]{
		create: deviceclass.Validate, update: deviceclass.ValidateUpdate,
	}),
	stored("resource.k8s.io", "DeviceTaintRule", "devicetaintrules", clusterScoped, &resourcev1beta2.DeviceTaintRuleList{}, rules[resourcev1beta2.DeviceTaintRule]{
		create: devicetaintrule.Validate, update: devicetaintrule.ValidateUpdate, status: devicetaintrule.ValidateStatusUpdate,
	}),
	stored("resource.k8s.io", "ResourceClaim", "resourceclaims", namespaced, &resourcev1.ResourceClaimList{}, rules[resourcev1.ResourceClaim]{
		defaults: resourceclaim.SetDefaults, create: resourceclaim.Validate, update: resourceclaim.ValidateUpdate, status: resourceclaim.ValidateStatusUpdate,
	}),
	stored("resource.k8s.io", "ResourceClaimTemplate", "resourceclaimtemplates", namespaced, &resourcev1.ResourceClaimTemplateList{}, rules[resourcev1.ResourceClaimTemplate]{
		defaults: resourceclaimtemplate.SetDefaults, create: resourceclaimtemplate.Validate, update: resourceclaimtemplate.ValidateUpdate,
	}),
	stored("resource.k8s.io", "ResourcePoolStatusRequest", "resourcepoolstatusrequests", clusterScoped, &resourcev1alpha3.ResourcePoolStatusRequestList{}, rules[resourcev1alpha3.ResourcePoolStatusRequest]{
		defaults: resourcepoolstatusrequest.SetDefaults, create: resourcepoolstatusrequest.Validate, update: resourcepoolstatusrequest.ValidateUpdate, status: resourcepoolstatusrequest.ValidateStatusUpdate,
	}),
	stored("resource.k8s.io", "ResourceSlice", "resourceslices", clusterScoped, &resourcev1.ResourceSliceList{}, rules[resourcev1.ResourceSlice]{
		create: resourceslice.Validate, update: resourceslice.ValidateUpdate,
	}),
	stored("scheduling.k8s.io", "PriorityClass", "priorityclasses", clusterScoped, &schedulingv1.PriorityClassList{}, rules[schedulingv1.PriorityClass]{
		defaults: priorityclass.SetDefaults, create: priorityclass.Validate, update: priorityclass.ValidateUpdate,
	}),
	stored("storage.k8s.io", "CSIDriver", "csidrivers", clusterScoped, &storagev1.CSIDriverList{}, rules[storagev1.CSIDriver]{
		defaults: csidriver.SetDefaults, create: csidriver.Validate, update: csidriver.ValidateUpdate, warnings: csidriver.Warnings, updateWarnings: csidriver.UpdateWarnings,
	}),
	stored("storage.k8s.io", "CSINode", "csinodes", clusterScoped, &storagev1.CSINodeList{}, rules[storagev1.CSINode]{
		create: csinode.Validate, update: csinode.ValidateUpdate,
	}),
	stored("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", namespaced, &storagev1.CSIStorageCapacityList{}, rules[storagev1.CSIStorageCapacity]{
		create: csistoragecapacity.Validate, update: csistoragecapacity.ValidateUpdate,
	}),
	stored("storage.k8s.io", "StorageClass", "storageclasses", clusterScoped, &storagev1.StorageClassList{}, rules[storagev1.StorageClass]{
		defaults: storageclass.SetDefaults, create: storageclass.Validate, update: storageclass.ValidateUpdate,
	}),
	stored("storage.k8s.io", "VolumeAttachment", "volumeattachments", clusterScoped, &storagev1.VolumeAttachmentList{}, rules[storagev1.VolumeAttachment]{
		create: volumeattachment.Validate, update: volumeattachment.ValidateUpdate, status: volumeattachment.ValidateStatusUpdate,
	}),
	stored("storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses", clusterScoped, &storagev1.VolumeAttributesClassList{}, rules[storagev1.VolumeAttributesClass]{
		create: volumeattributesclass.Validate, update: volumeattributesclass.ValidateUpdate,
	}),
	stored("storagemigration.k8s.io", "StorageVersionMigration", "storageversionmigrations", clusterScoped, &storagemigrationv1beta1.StorageVersionMigrationList{}, rules[storagemigrationv1beta1.StorageVersionMigration]{
		create: storageversionmigration.Validate, update: storageversionmigration.ValidateUpdate, status: storageversionmigration.ValidateStatusUpdate,
	}),
	review("", "Binding", "bindings", namespaced, rules[corev1.Binding]{
		create: binding.Validate,
	}),
	review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews", clusterScoped, rules[authenticationv1.SelfSubjectReview]{create: selfsubjectreview.Validate}),
	review("authentication.k8s.io", "TokenReview", "tokenreviews", clusterScoped, rules[authenticationv1.TokenReview]{create: tokenreview.Validate}),
	review("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", namespaced, rules[authorizationv1.LocalSubjectAccessReview]{create: localsubjectaccessreview.Validate}),
	review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews", clusterScoped, rules[authorizationv1.SelfSubjectAccessReview]{create: selfsubjectaccessreview.Validate}),
	review("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews", clusterScoped, rules[authorizationv1.SelfSubjectRulesReview]{create: selfsubjectrulesreview.Validate}),
	review("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", clusterScoped, rules[authorizationv1.SubjectAccessReview]{create: subjectaccessreview.Validate}),
}
