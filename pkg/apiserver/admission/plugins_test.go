package admission

import (
	"reflect"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/utils/ptr"
)

func named(name string, annotations ...string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: name, Namespace: "ns"}
	for i := 0; i < len(annotations); i += 2 {
		m.Annotations = map[string]string{annotations[i]: annotations[i+1]}
	}
	return m
}

func cluster(name string, age int64, annotations ...string) metav1.ObjectMeta {
	m := named(name, annotations...)
	m.Namespace, m.CreationTimestamp = "", metav1.Time{Time: time.Unix(age, 0)}
	return m
}

func amounts(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

func aPod(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: named("p"), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	for _, c := range change {
		c(p)
	}
	return p
}

func equals(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStoragePlugins(t *testing.T) {
	const mark = "storageclass.kubernetes.io/is-default-class"
	classes := []runtime.Object{
		&storagev1.StorageClass{ObjectMeta: cluster("old", 1, mark, "true")},
		&storagev1.StorageClass{ObjectMeta: cluster("new", 2, mark, "true"), AllowVolumeExpansion: ptr.To(true)},
		&storagev1.StorageClass{ObjectMeta: cluster("other", 3), AllowVolumeExpansion: ptr.To(false)},
	}
	claim := func(class *string, size string, phase corev1.PersistentVolumeClaimPhase) *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{ObjectMeta: named("c")}
		c.Spec.StorageClassName, c.Status.Phase = class, phase
		c.Spec.Resources.Requests = amounts("storage", size)
		return c
	}
	none, empty := claim(nil, "1", ""), claim(ptr.To(""), "1", "")
	volume := &corev1.PersistentVolume{ObjectMeta: cluster("v", 1)}
	grow := func(name, class string, phase corev1.PersistentVolumeClaimPhase, size, want string) request {
		return request{name: name, plugin: "PersistentVolumeClaimResize", cluster: classes, resource: "/persistentvolumeclaims", operation: admission.Update,
			object: claim(&class, size, phase), old: claim(&class, "1Gi", phase), want: want}
	}
	const refused = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
	for _, r := range []request{
		{name: "newest default", plugin: "DefaultStorageClass", cluster: classes, resource: "/persistentvolumeclaims", object: none, check: func(t *testing.T) { equals(t, *none.Spec.StorageClassName, "new") }},
		{name: "no class wanted", plugin: "DefaultStorageClass", cluster: classes, resource: "/persistentvolumeclaims", object: empty, check: func(t *testing.T) { equals(t, *empty.Spec.StorageClassName, "") }},
		{name: "volume kept while used", plugin: "StorageObjectInUseProtection", resource: "/persistentvolumes", object: volume, check: func(t *testing.T) { equals(t, volume.Finalizers, []string{"kubernetes.io/pv-protection"}) }},
		grow("growing", "new", corev1.ClaimBound, "2Gi", ""),
		grow("growing where it is not allowed", "other", corev1.ClaimBound, "2Gi", refused),
		grow("growing without a class", "", corev1.ClaimBound, "2Gi", refused),
		grow("not growing", "other", corev1.ClaimBound, "1Gi", ""),
		grow("growing unbound", "new", corev1.ClaimPending, "2Gi", "Only bound persistent volume claims can be expanded"),
	} {
		t.Run(r.name, r.run)
	}
}

func TestDefaultIngressClass(t *testing.T) {
	const mark = networkingv1.AnnotationIsDefaultIngressClass
	classes := []runtime.Object{
		&networkingv1.IngressClass{ObjectMeta: cluster("old", 1, mark, "true")}, &networkingv1.IngressClass{ObjectMeta: cluster("new", 2, mark, "true")},
	}
	plain := &networkingv1.Ingress{ObjectMeta: named("i")}
	annotated := &networkingv1.Ingress{ObjectMeta: named("i", "kubernetes.io/ingress.class", "x")}
	for _, r := range []request{
		{name: "newest default", object: plain, check: func(t *testing.T) { equals(t, *plain.Spec.IngressClassName, "new") }},
		{name: "named by annotation", object: annotated, check: func(t *testing.T) { equals(t, annotated.Spec.IngressClassName, (*string)(nil)) }},
	} {
		r.plugin, r.cluster, r.resource = "DefaultIngressClass", classes, "networking.k8s.io/ingresses"
		t.Run(r.name, r.run)
	}
}

func TestRuntimeClass(t *testing.T) {
	class := &nodev1.RuntimeClass{ObjectMeta: cluster("rc", 1), Overhead: &nodev1.Overhead{PodFixed: amounts("cpu", "100m")},
		Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"a": "b"}, Tolerations: []corev1.Toleration{{Key: "k"}}}}
	with := func(f func(*corev1.Pod)) *corev1.Pod {
		return aPod(func(p *corev1.Pod) { p.Spec.RuntimeClassName = ptr.To("rc") }, f)
	}
	good := with(func(p *corev1.Pod) { p.Spec.Tolerations = []corev1.Toleration{{Key: "k"}} })
	for _, r := range []request{
		{name: "filled in", object: good, check: func(t *testing.T) {
			equals(t, good.Spec.NodeSelector, map[string]string{"a": "b"})
			equals(t, len(good.Spec.Tolerations), 1)
			equals(t, good.Spec.Overhead.Cpu().String(), "100m")
		}},
		{name: "unknown", object: aPod(func(p *corev1.Pod) { p.Spec.RuntimeClassName = ptr.To("x") }), want: `pod rejected: RuntimeClass "x" not found`},
		{name: "other overhead", object: with(func(p *corev1.Pod) { p.Spec.Overhead = amounts("cpu", "1") }), want: "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"},
		{name: "conflict", object: with(func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "c"} }), want: "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c"},
		{name: "overhead without class", object: aPod(func(p *corev1.Pod) { p.Spec.Overhead = amounts("cpu", "1") }), want: "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"},
	} {
		r.plugin, r.cluster, r.resource = "RuntimeClass", []runtime.Object{class}, "/pods"
		t.Run(r.name, r.run)
	}
}

func TestCertificatePlugins(t *testing.T) {
	csr := func(cert string) *certificatesv1.CertificateSigningRequest {
		return &certificatesv1.CertificateSigningRequest{ObjectMeta: cluster("c", 1), Spec: certificatesv1.CertificateSigningRequestSpec{SignerName: "ex.com/a"},
			Status: certificatesv1.CertificateSigningRequestStatus{Certificate: []byte(cert)}}
	}
	broken := csr("")
	broken.Spec.SignerName = certificatesv1.KubeAPIServerClientSignerName
	bundle := &certificatesv1beta1.ClusterTrustBundle{ObjectMeta: cluster("b", 1), Spec: certificatesv1beta1.ClusterTrustBundleSpec{SignerName: "ex.com/a"}}
	free := &certificatesv1beta1.ClusterTrustBundle{ObjectMeta: cluster("b", 1)}
	const resource = "certificates.k8s.io/certificatesigningrequests"
	for _, r := range []request{
		{name: "approve", plugin: "CertificateApproval", resource: resource + "/approval", operation: admission.Update, object: csr(""), old: csr(""), user: "signer"},
		{name: "approve without permission", plugin: "CertificateApproval", resource: resource + "/approval", operation: admission.Update, object: csr(""), old: csr(""), user: "me", want: `user not permitted to approve requests with signerName "ex.com/a"`},
		{name: "sign", plugin: "CertificateSigning", resource: resource + "/status", operation: admission.Update, object: csr("x"), old: csr(""), user: "signer"},
		{name: "sign without permission", plugin: "CertificateSigning", resource: resource + "/status", operation: admission.Update, object: csr("x"), old: csr(""), user: "me", want: `user not permitted to sign requests with signerName "ex.com/a"`},
		{name: "other status", plugin: "CertificateSigning", resource: resource + "/status", operation: admission.Update, object: csr("x"), old: csr("x"), user: "me"},
		{name: "unreadable request", plugin: "CertificateSubjectRestriction", resource: resource, object: broken, want: "failed to parse CSR"},
		{name: "other signer", plugin: "CertificateSubjectRestriction", resource: resource, object: csr("")},
		{name: "attest", plugin: "ClusterTrustBundleAttest", resource: "certificates.k8s.io/clustertrustbundles", object: bundle, user: "signer"},
		{name: "attest without permission", plugin: "ClusterTrustBundleAttest", resource: "certificates.k8s.io/clustertrustbundles", object: bundle, user: "me", want: `user not permitted to attest for signerName "ex.com/a"`},
		{name: "unchanged bundle", plugin: "ClusterTrustBundleAttest", resource: "certificates.k8s.io/clustertrustbundles", operation: admission.Update, object: bundle, old: bundle, user: "me"},
		{name: "bundle of nobody", plugin: "ClusterTrustBundleAttest", resource: "certificates.k8s.io/clustertrustbundles", object: free, user: "me"},
	} {
		t.Run(r.name, r.run)
	}
}

func TestPodAndNodePlugins(t *testing.T) {
	zones := map[string]string{corev1.LabelTopologyZone: "z", corev1.LabelTopologyRegion: "r"}
	node := &corev1.Node{ObjectMeta: cluster("n", 1), Status: corev1.NodeStatus{Allocatable: amounts("cpu", "2", "memory", "1Gi")}}
	node.Labels = map[string]string{corev1.LabelTopologyZone: "z", corev1.LabelTopologyRegion: "r", "other": "x"}
	windows := &corev1.Node{ObjectMeta: cluster("w", 1)}
	windows.Labels = map[string]string{corev1.LabelOSStable: "windows"}
	nodes := []runtime.Object{node, windows}
	on := func(node, cpu, memory string) *corev1.Pod {
		return aPod(func(p *corev1.Pod) {
			p.Spec.NodeName = node
			p.Spec.Containers[0].Resources.Requests = amounts("cpu", cpu, "memory", memory)
		})
	}
	level := func(cpu string) *corev1.Pod {
		return aPod(func(p *corev1.Pod) {
			p.Spec.NodeName, p.Spec.Resources = "n", &corev1.ResourceRequirements{Requests: amounts("cpu", cpu)}
		})
	}
	binding := &corev1.Binding{ObjectMeta: named("p"), Target: corev1.ObjectReference{Kind: "Node", Name: "n"}}
	binding.Labels = map[string]string{corev1.LabelTopologyZone: "lie"}
	comes := on("n", "1", "1")
	resize := func(name, node, cpu, memory, want string) request {
		return request{name: name, plugin: "PodResizeValidator", resource: "/pods/resize", operation: admission.Update, object: on(node, cpu, memory), want: want}
	}
	for _, r := range []request{
		{name: "zone of a binding", plugin: "PodTopologyLabels", resource: "/pods/binding", object: binding, check: func(t *testing.T) { equals(t, binding.Labels, zones) }},
		{name: "zone of a bound pod", plugin: "PodTopologyLabels", resource: "/pods", object: comes, check: func(t *testing.T) { equals(t, comes.Labels, zones) }},
		resize("resize", "n", "2", "1Gi", ""),
		resize("resize unbound", "", "9", "1Gi", ""),
		resize("resize beyond the node", "n", "5", "5Gi", "node didn't have enough allocatable resources: cpu, requested: 5000, allocatable: 2000; memory, requested: 5368709120, allocatable: 1073741824"),
		resize("resize on Windows", "w", "1", "1", `pod resize is only supported on linux nodes, node "w" is "windows"`),
		resize("resize on no node", "x", "1", "1", `node "x" not found`),
		{name: "undeclared feature", plugin: "NodeDeclaredFeatureValidator", resource: "/pods/resize", operation: admission.Update, object: level("2"), old: level("1"), want: `pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "n"`},
		{name: "no feature needed", plugin: "NodeDeclaredFeatureValidator", resource: "/pods/resize", operation: admission.Update, object: on("n", "2", "1"), old: on("n", "1", "1")},
		{name: "gated", plugin: "JobValidation", resource: "batch/jobs", operation: admission.Update, object: &batchv1.Job{}, old: &batchv1.Job{}},
		{name: "gated mutating", plugin: "PodGroupProtection", resource: "scheduling.k8s.io/podgroups", object: aPod()},
		{name: "gated existence", plugin: "PodGroupWorkloadExists", resource: "scheduling.k8s.io/podgroups", object: aPod()},
	} {
		r.cluster = nodes
		t.Run(r.name, r.run)
	}
}

func TestPodSecurity(t *testing.T) {
	ns := func(level string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", Labels: map[string]string{"pod-security.kubernetes.io/enforce": level}}}
	}
	host := aPod(func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	for _, r := range []request{
		{name: "baseline", resource: "/pods", object: aPod()},
		{name: "host network", resource: "/pods", object: host, want: `pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`},
		{name: "exempt by configuration", config: `{"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration","exemptions":{"namespaces":["ns"]}}`, resource: "/pods", object: host},
		{name: "bad label", resource: "/namespaces", object: ns("foo"), want: "must be one of privileged, baseline, restricted"},
	} {
		r.plugin, r.cluster = "PodSecurity", []runtime.Object{ns("baseline")}
		t.Run(r.name, r.run)
	}
}
