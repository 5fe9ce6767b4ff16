package apirules

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/mutatingwebhookconfiguration"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicy"
	"tiphys.dev/apirules/admissionregistration/validatingadmissionpolicybinding"
	"tiphys.dev/apirules/admissionregistration/validatingwebhookconfiguration"
	"tiphys.dev/apirules/apps/daemonset"
	"tiphys.dev/apirules/apps/deployment"
	"tiphys.dev/apirules/apps/replicaset"
	"tiphys.dev/apirules/apps/statefulset"
	"tiphys.dev/apirules/authentication/tokenrequest"
	"tiphys.dev/apirules/autoscaling/horizontalpodautoscaler"
	"tiphys.dev/apirules/batch/cronjob"
	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/certificates/certificatesigningrequest"
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
	"tiphys.dev/apirules/discovery/endpointslice"
	"tiphys.dev/apirules/flowcontrol/flowschema"
	"tiphys.dev/apirules/flowcontrol/prioritylevelconfiguration"
	"tiphys.dev/apirules/networking/ingressclass"
	"tiphys.dev/apirules/networking/networkpolicy"
	"tiphys.dev/apirules/node/runtimeclass"
	"tiphys.dev/apirules/rbac/clusterrolebinding"
	"tiphys.dev/apirules/rbac/rolebinding"
	"tiphys.dev/apirules/resource/resourceclaim"
	"tiphys.dev/apirules/resource/resourceclaimtemplate"
	"tiphys.dev/apirules/scheduling/priorityclass"
	"tiphys.dev/apirules/storage/csidriver"
	"tiphys.dev/apirules/storage/storageclass"
)

// AddDefaults registers the defaults of every kind that has some, and of its list. Each may be called any number of
// times on the same object: what is filled in stays as it is.
func AddDefaults(scheme *runtime.Scheme) {
	add(scheme, mutatingadmissionpolicy.SetDefaults, func(l *admissionregistrationv1.MutatingAdmissionPolicyList) []admissionregistrationv1.MutatingAdmissionPolicy {
		return l.Items
	})
	add(scheme, mutatingadmissionpolicybinding.SetDefaults, func(l *admissionregistrationv1.MutatingAdmissionPolicyBindingList) []admissionregistrationv1.MutatingAdmissionPolicyBinding {
		return l.Items
	})
	add(scheme, mutatingwebhookconfiguration.SetDefaults, func(l *admissionregistrationv1.MutatingWebhookConfigurationList) []admissionregistrationv1.MutatingWebhookConfiguration {
		return l.Items
	})
	add(scheme, validatingadmissionpolicy.SetDefaults, func(l *admissionregistrationv1.ValidatingAdmissionPolicyList) []admissionregistrationv1.ValidatingAdmissionPolicy {
		return l.Items
	})
	add(scheme, validatingadmissionpolicybinding.SetDefaults, func(l *admissionregistrationv1.ValidatingAdmissionPolicyBindingList) []admissionregistrationv1.ValidatingAdmissionPolicyBinding {
		return l.Items
	})
	add(scheme, validatingwebhookconfiguration.SetDefaults, func(l *admissionregistrationv1.ValidatingWebhookConfigurationList) []admissionregistrationv1.ValidatingWebhookConfiguration {
		return l.Items
	})
	add(scheme, daemonset.SetDefaults, func(l *appsv1.DaemonSetList) []appsv1.DaemonSet { return l.Items })
	add(scheme, deployment.SetDefaults, func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items })
	add(scheme, replicaset.SetDefaults, func(l *appsv1.ReplicaSetList) []appsv1.ReplicaSet { return l.Items })
	add(scheme, statefulset.SetDefaults, func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items })
	scheme.AddTypeDefaultingFunc(&authenticationv1.TokenRequest{}, func(obj any) { tokenrequest.SetDefaults(obj.(*authenticationv1.TokenRequest)) })
	add(scheme, horizontalpodautoscaler.SetDefaults, func(l *autoscalingv2.HorizontalPodAutoscalerList) []autoscalingv2.HorizontalPodAutoscaler {
		return l.Items
	})
	add(scheme, horizontalpodautoscaler.SetDefaultsV1, func(l *autoscalingv1.HorizontalPodAutoscalerList) []autoscalingv1.HorizontalPodAutoscaler {
		return l.Items
	})
	add(scheme, cronjob.SetDefaults, func(l *batchv1.CronJobList) []batchv1.CronJob { return l.Items })
	add(scheme, job.SetDefaults, func(l *batchv1.JobList) []batchv1.Job { return l.Items })
	add(scheme, certificatesigningrequest.SetDefaults, func(l *certificatesv1.CertificateSigningRequestList) []certificatesv1.CertificateSigningRequest {
		return l.Items
	})
	add(scheme, endpoints.SetDefaults, func(l *corev1.EndpointsList) []corev1.Endpoints { return l.Items })
	add(scheme, limitrange.SetDefaults, func(l *corev1.LimitRangeList) []corev1.LimitRange { return l.Items })
	add(scheme, namespace.SetDefaults, func(l *corev1.NamespaceList) []corev1.Namespace { return l.Items })
	add(scheme, node.SetDefaults, func(l *corev1.NodeList) []corev1.Node { return l.Items })
	add(scheme, persistentvolume.SetDefaults, func(l *corev1.PersistentVolumeList) []corev1.PersistentVolume { return l.Items })
	add(scheme, persistentvolumeclaim.SetDefaults, func(l *corev1.PersistentVolumeClaimList) []corev1.PersistentVolumeClaim { return l.Items })
	add(scheme, pod.SetDefaults, func(l *corev1.PodList) []corev1.Pod { return l.Items })
	add(scheme, podtemplate.SetDefaults, func(l *corev1.PodTemplateList) []corev1.PodTemplate { return l.Items })
	add(scheme, replicationcontroller.SetDefaults, func(l *corev1.ReplicationControllerList) []corev1.ReplicationController { return l.Items })
	add(scheme, resourcequota.SetDefaults, func(l *corev1.ResourceQuotaList) []corev1.ResourceQuota { return l.Items })
	add(scheme, secret.SetDefaults, func(l *corev1.SecretList) []corev1.Secret { return l.Items })
	add(scheme, service.SetDefaults, func(l *corev1.ServiceList) []corev1.Service { return l.Items })
	add(scheme, endpointslice.SetDefaults, func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items })
	add(scheme, flowschema.SetDefaults, func(l *flowcontrolv1.FlowSchemaList) []flowcontrolv1.FlowSchema { return l.Items })
	add(scheme, prioritylevelconfiguration.SetDefaults, func(l *flowcontrolv1.PriorityLevelConfigurationList) []flowcontrolv1.PriorityLevelConfiguration {
		return l.Items
	})
	add(scheme, ingressclass.SetDefaults, func(l *networkingv1.IngressClassList) []networkingv1.IngressClass { return l.Items })
	add(scheme, networkpolicy.SetDefaults, func(l *networkingv1.NetworkPolicyList) []networkingv1.NetworkPolicy { return l.Items })
	add(scheme, runtimeclass.SetDefaults, func(l *nodev1.RuntimeClassList) []nodev1.RuntimeClass { return l.Items })
	add(scheme, clusterrolebinding.SetDefaults, func(l *rbacv1.ClusterRoleBindingList) []rbacv1.ClusterRoleBinding { return l.Items })
	add(scheme, rolebinding.SetDefaults, func(l *rbacv1.RoleBindingList) []rbacv1.RoleBinding { return l.Items })
	add(scheme, resourceclaim.SetDefaults, func(l *resourcev1.ResourceClaimList) []resourcev1.ResourceClaim { return l.Items })
	add(scheme, resourceclaimtemplate.SetDefaults, func(l *resourcev1.ResourceClaimTemplateList) []resourcev1.ResourceClaimTemplate { return l.Items })
	add(scheme, priorityclass.SetDefaults, func(l *schedulingv1.PriorityClassList) []schedulingv1.PriorityClass { return l.Items })
	add(scheme, csidriver.SetDefaults, func(l *storagev1.CSIDriverList) []storagev1.CSIDriver { return l.Items })
	add(scheme, storageclass.SetDefaults, func(l *storagev1.StorageClassList) []storagev1.StorageClass { return l.Items })
}

// add registers the defaults of a kind and of its list, whose items are filled in one by one.
func add[T, L any](scheme *runtime.Scheme, setDefaults func(*T), items func(*L) []T) {
	scheme.AddTypeDefaultingFunc(any(new(T)).(runtime.Object), func(obj any) { setDefaults(obj.(*T)) })
	scheme.AddTypeDefaultingFunc(any(new(L)).(runtime.Object), func(obj any) {
		list := items(obj.(*L))
		for i := range list {
			setDefaults(&list[i])
		}
	})
}
