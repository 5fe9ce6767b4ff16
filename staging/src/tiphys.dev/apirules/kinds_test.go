package apirules_test

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/mutatingwebhookconfiguration"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/validatingwebhookconfiguration"
	"tiphys.dev/apirules/apps/controllerrevision"
	"tiphys.dev/apirules/apps/daemonset"
	"tiphys.dev/apirules/apps/deployment"
	"tiphys.dev/apirules/apps/replicaset"
	"tiphys.dev/apirules/apps/statefulset"
	"tiphys.dev/apirules/autoscaling/horizontalpodautoscaler"
	"tiphys.dev/apirules/batch/cronjob"
	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/certificates/certificatesigningrequest"
	"tiphys.dev/apirules/coordination/lease"
	"tiphys.dev/apirules/core/configmap"
	"tiphys.dev/apirules/core/endpoints"
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
	"tiphys.dev/apirules/resource/resourceclaim"
	"tiphys.dev/apirules/resource/resourceclaimtemplate"
	"tiphys.dev/apirules/resource/resourceslice"
	"tiphys.dev/apirules/scheduling/priorityclass"
	"tiphys.dev/apirules/storage/csidriver"
	"tiphys.dev/apirules/storage/csinode"
	"tiphys.dev/apirules/storage/csistoragecapacity"
	"tiphys.dev/apirules/storage/storageclass"
	"tiphys.dev/apirules/storage/volumeattachment"
	"tiphys.dev/apirules/storage/volumeattributesclass"
)

// rules are the functions of one kind.
type rules[T any] struct {
	setDefaults    func(*T)
	validate       func(*T) field.ErrorList
	validateUpdate func(obj, old *T) field.ErrorList
	validateStatus func(obj, old *T) field.ErrorList
	warnings       func(*T) []string
}

// kind is one kind with its type forgotten, for tests that treat all alike.
type kind struct {
	gvk            schema.GroupVersionKind
	resource       string
	namespaced     bool
	new            func() any
	setDefaults    func(any)
	validate       func(any) field.ErrorList
	validateUpdate func(obj, old any) field.ErrorList
	validateStatus func(obj, old any) field.ErrorList
	warnings       func(any) []string
}

func row[T any](group, version, name, resource string, namespaced bool, r rules[T]) kind {
	k := kind{gvk: schema.GroupVersionKind{Group: group, Version: version, Kind: name}, resource: resource, namespaced: namespaced,
		new: func() any { return new(T) }, setDefaults: func(any) {}, warnings: func(any) []string { return nil },
		validate:       func(o any) field.ErrorList { return r.validate(o.(*T)) },
		validateUpdate: func(o, old any) field.ErrorList { return r.validateUpdate(o.(*T), old.(*T)) },
		validateStatus: func(any, any) field.ErrorList { return nil },
	}
	if r.setDefaults != nil {
		k.setDefaults = func(o any) { r.setDefaults(o.(*T)) }
	}
	if r.validateStatus != nil {
		k.validateStatus = func(o, old any) field.ErrorList { return r.validateStatus(o.(*T), old.(*T)) }
	}
	if r.warnings != nil {
		k.warnings = func(o any) []string { return r.warnings(o.(*T)) }
	}
	return k
}

// kinds are all that have rules for being stored.
var kinds = []kind{
	row("admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", false, rules[admissionregistrationv1.MutatingAdmissionPolicy]{mutatingadmissionpolicy.SetDefaults, mutatingadmissionpolicy.Validate, mutatingadmissionpolicy.ValidateUpdate, nil, nil}),
	row("admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", false, rules[admissionregistrationv1.MutatingAdmissionPolicyBinding]{mutatingadmissionpolicybinding.SetDefaults, mutatingadmissionpolicybinding.Validate, mutatingadmissionpolicybinding.ValidateUpdate, nil, nil}),
	row("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false, rules[admissionregistrationv1.MutatingWebhookConfiguration]{mutatingwebhookconfiguration.SetDefaults, mutatingwebhookconfiguration.Validate, mutatingwebhookconfiguration.ValidateUpdate, nil, nil}),
	row("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false, rules[admissionregistrationv1.ValidatingAdmissionPolicy]{validatingadmissionpolicy.SetDefaults, validatingadmissionpolicy.Validate, validatingadmissionpolicy.ValidateUpdate, validatingadmissionpolicy.ValidateStatusUpdate, nil}),
	row("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false, rules[admissionregistrationv1.ValidatingAdmissionPolicyBinding]{validatingadmissionpolicybinding.SetDefaults, validatingadmissionpolicybinding.Validate, validatingadmissionpolicybinding.ValidateUpdate, nil, nil}),
	row("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false, rules[admissionregistrationv1.ValidatingWebhookConfiguration]{validatingwebhookconfiguration.SetDefaults, validatingwebhookconfiguration.Validate, validatingwebhookconfiguration.ValidateUpdate, nil, nil}),
	row("apps", "v1", "ControllerRevision", "controllerrevisions", true, rules[appsv1.ControllerRevision]{nil, controllerrevision.Validate, controllerrevision.ValidateUpdate, nil, nil}),
	row("apps", "v1", "DaemonSet", "daemonsets", true, rules[appsv1.DaemonSet]{daemonset.SetDefaults, daemonset.Validate, daemonset.ValidateUpdate, daemonset.ValidateStatusUpdate, daemonset.Warnings}),
	row("apps", "v1", "Deployment", "deployments", true, rules[appsv1.Deployment]{deployment.SetDefaults, deployment.Validate, deployment.ValidateUpdate, deployment.ValidateStatusUpdate, deployment.Warnings}),
	row("apps", "v1", "ReplicaSet", "replicasets", true, rules[appsv1.ReplicaSet]{replicaset.SetDefaults, replicaset.Validate, replicaset.ValidateUpdate, replicaset.ValidateStatusUpdate, replicaset.Warnings}),
	row("apps", "v1", "StatefulSet", "statefulsets", true, rules[appsv1.StatefulSet]{statefulset.SetDefaults, statefulset.Validate, statefulset.ValidateUpdate, statefulset.ValidateStatusUpdate, statefulset.Warnings}),
	row("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true, rules[autoscalingv2.HorizontalPodAutoscaler]{horizontalpodautoscaler.SetDefaults, horizontalpodautoscaler.Validate, horizontalpodautoscaler.ValidateUpdate, horizontalpodautoscaler.ValidateStatusUpdate, nil}),
	row("batch", "v1", "CronJob", "cronjobs", true, rules[batchv1.CronJob]{cronjob.SetDefaults, cronjob.Validate, cronjob.ValidateUpdate, nil, cronjob.Warnings}),
	row("batch", "v1", "Job", "jobs", true, rules[batchv1.Job]{job.SetDefaults, job.Validate, job.ValidateUpdate, job.ValidateStatusUpdate, job.Warnings}),
	row("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", false, rules[certificatesv1.CertificateSigningRequest]{certificatesigningrequest.SetDefaults, certificatesigningrequest.Validate, certificatesigningrequest.ValidateUpdate, certificatesigningrequest.ValidateStatusUpdate, nil}),
	row("coordination.k8s.io", "v1", "Lease", "leases", true, rules[coordinationv1.Lease]{nil, lease.Validate, lease.ValidateUpdate, nil, nil}),
	row("", "v1", "ConfigMap", "configmaps", true, rules[corev1.ConfigMap]{nil, configmap.Validate, configmap.ValidateUpdate, nil, nil}),
	row("", "v1", "Endpoints", "endpoints", true, rules[corev1.Endpoints]{endpoints.SetDefaults, endpoints.Validate, endpoints.ValidateUpdate, nil, endpoints.Warnings}),
	row("", "v1", "LimitRange", "limitranges", true, rules[corev1.LimitRange]{limitrange.SetDefaults, limitrange.Validate, limitrange.ValidateUpdate, nil, nil}),
	row("", "v1", "Namespace", "namespaces", false, rules[corev1.Namespace]{namespace.SetDefaults, namespace.Validate, namespace.ValidateUpdate, namespace.ValidateStatusUpdate, nil}),
	row("", "v1", "Node", "nodes", false, rules[corev1.Node]{node.SetDefaults, node.Validate, node.ValidateUpdate, node.ValidateStatusUpdate, node.Warnings}),
	row("", "v1", "PersistentVolume", "persistentvolumes", false, rules[corev1.PersistentVolume]{persistentvolume.SetDefaults, persistentvolume.Validate, persistentvolume.ValidateUpdate, persistentvolume.ValidateStatusUpdate, persistentvolume.Warnings}),
	row("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true, rules[corev1.PersistentVolumeClaim]{persistentvolumeclaim.SetDefaults, persistentvolumeclaim.Validate, persistentvolumeclaim.ValidateUpdate, persistentvolumeclaim.ValidateStatusUpdate, persistentvolumeclaim.Warnings}),
	row("", "v1", "Pod", "pods", true, rules[corev1.Pod]{pod.SetDefaults, pod.Validate, pod.ValidateUpdate, pod.ValidateStatusUpdate, pod.Warnings}),
	row("", "v1", "PodTemplate", "podtemplates", true, rules[corev1.PodTemplate]{podtemplate.SetDefaults, podtemplate.Validate, podtemplate.ValidateUpdate, nil, podtemplate.Warnings}),
	row("", "v1", "ReplicationController", "replicationcontrollers", true, rules[corev1.ReplicationController]{replicationcontroller.SetDefaults, replicationcontroller.Validate, replicationcontroller.ValidateUpdate, replicationcontroller.ValidateStatusUpdate, replicationcontroller.Warnings}),
	row("", "v1", "ResourceQuota", "resourcequotas", true, rules[corev1.ResourceQuota]{resourcequota.SetDefaults, resourcequota.Validate, resourcequota.ValidateUpdate, resourcequota.ValidateStatusUpdate, nil}),
	row("", "v1", "Secret", "secrets", true, rules[corev1.Secret]{secret.SetDefaults, secret.Validate, secret.ValidateUpdate, nil, nil}),
	row("", "v1", "Service", "services", true, rules[corev1.Service]{service.SetDefaults, service.Validate, service.ValidateUpdate, service.ValidateStatusUpdate, service.Warnings}),
	row("", "v1", "ServiceAccount", "serviceaccounts", true, rules[corev1.ServiceAccount]{nil, serviceaccount.Validate, serviceaccount.ValidateUpdate, nil, serviceaccount.Warnings}),
	row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true, rules[discoveryv1.EndpointSlice]{endpointslice.SetDefaults, endpointslice.Validate, endpointslice.ValidateUpdate, nil, endpointslice.Warnings}),
	row("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", false, rules[flowcontrolv1.FlowSchema]{flowschema.SetDefaults, flowschema.Validate, flowschema.ValidateUpdate, flowschema.ValidateStatusUpdate, nil}),
	row("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", false, rules[flowcontrolv1.PriorityLevelConfiguration]{prioritylevelconfiguration.SetDefaults, prioritylevelconfiguration.Validate, prioritylevelconfiguration.ValidateUpdate, prioritylevelconfiguration.ValidateStatusUpdate, nil}),
	row("networking.k8s.io", "v1", "Ingress", "ingresses", true, rules[networkingv1.Ingress]{nil, ingress.Validate, ingress.ValidateUpdate, ingress.ValidateStatusUpdate, ingress.Warnings}),
	row("networking.k8s.io", "v1", "IngressClass", "ingressclasses", false, rules[networkingv1.IngressClass]{ingressclass.SetDefaults, ingressclass.Validate, ingressclass.ValidateUpdate, nil, nil}),
	row("networking.k8s.io", "v1", "IPAddress", "ipaddresses", false, rules[networkingv1.IPAddress]{nil, ipaddress.Validate, ipaddress.ValidateUpdate, nil, nil}),
	row("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true, rules[networkingv1.NetworkPolicy]{networkpolicy.SetDefaults, networkpolicy.Validate, networkpolicy.ValidateUpdate, nil, networkpolicy.Warnings}),
	row("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", false, rules[networkingv1.ServiceCIDR]{nil, servicecidr.Validate, servicecidr.ValidateUpdate, servicecidr.ValidateStatusUpdate, nil}),
	row("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", false, rules[nodev1.RuntimeClass]{runtimeclass.SetDefaults, runtimeclass.Validate, runtimeclass.ValidateUpdate, nil, runtimeclass.Warnings}),
	row("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true, rules[policyv1.PodDisruptionBudget]{nil, poddisruptionbudget.Validate, poddisruptionbudget.ValidateUpdate, poddisruptionbudget.ValidateStatusUpdate, nil}),
	row("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, rules[rbacv1.ClusterRole]{nil, clusterrole.Validate, clusterrole.ValidateUpdate, nil, nil}),
	row("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", false, rules[rbacv1.ClusterRoleBinding]{clusterrolebinding.SetDefaults, clusterrolebinding.Validate, clusterrolebinding.ValidateUpdate, nil, nil}),
	row("rbac.authorization.k8s.io", "v1", "Role", "roles", true, rules[rbacv1.Role]{nil, role.Validate, role.ValidateUpdate, nil, nil}),
	row("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, rules[rbacv1.RoleBinding]{rolebinding.SetDefaults, rolebinding.Validate, rolebinding.ValidateUpdate, nil, nil}),
	row("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", false, rules[resourcev1.DeviceClass]{nil, deviceclass.Validate, deviceclass.ValidateUpdate, nil, nil}),
	row("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", true, rules[resourcev1.ResourceClaim]{resourceclaim.SetDefaults, resourceclaim.Validate, resourceclaim.ValidateUpdate, resourceclaim.ValidateStatusUpdate, nil}),
	row("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates", true, rules[resourcev1.ResourceClaimTemplate]{resourceclaimtemplate.SetDefaults, resourceclaimtemplate.Validate, resourceclaimtemplate.ValidateUpdate, nil, nil}),
	row("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", false, rules[resourcev1.ResourceSlice]{nil, resourceslice.Validate, resourceslice.ValidateUpdate, nil, nil}),
	row("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false, rules[schedulingv1.PriorityClass]{priorityclass.SetDefaults, priorityclass.Validate, priorityclass.ValidateUpdate, nil, nil}),
	row("storage.k8s.io", "v1", "CSIDriver", "csidrivers", false, rules[storagev1.CSIDriver]{csidriver.SetDefaults, csidriver.Validate, csidriver.ValidateUpdate, nil, nil}),
	row("storage.k8s.io", "v1", "CSINode", "csinodes", false, rules[storagev1.CSINode]{nil, csinode.Validate, csinode.ValidateUpdate, nil, nil}),
	row("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", true, rules[storagev1.CSIStorageCapacity]{nil, csistoragecapacity.Validate, csistoragecapacity.ValidateUpdate, nil, nil}),
	row("storage.k8s.io", "v1", "StorageClass", "storageclasses", false, rules[storagev1.StorageClass]{storageclass.SetDefaults, storageclass.Validate, storageclass.ValidateUpdate, nil, nil}),
	row("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", false, rules[storagev1.VolumeAttachment]{nil, volumeattachment.Validate, volumeattachment.ValidateUpdate, volumeattachment.ValidateStatusUpdate, nil}),
	row("storage.k8s.io", "v1", "VolumeAttributesClass", "volumeattributesclasses", false, rules[storagev1.VolumeAttributesClass]{nil, volumeattributesclass.Validate, volumeattributesclass.ValidateUpdate, nil, nil}),
}
