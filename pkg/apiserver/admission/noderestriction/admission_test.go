package noderestriction

import (
	"context"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

var node1 = &user.DefaultInfo{Name: "system:node:node-1", Groups: []string{user.NodesGroup}}

type request1 struct {
	name, resource, subresource string
	operation                   admission.Operation
	object, old                 runtime.Object
	user                        user.Info
	namespace, objectName       string
	// want is part of the message; empty means allowed.
	want string
}

func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }

func bound(name, node string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: meta(name), Spec: corev1.PodSpec{NodeName: node}}
	for _, c := range change {
		c(p)
	}
	return p
}

func mirror(change ...func(*corev1.Pod)) *corev1.Pod {
	return bound("m", "node-1", append([]func(*corev1.Pod){func(p *corev1.Pod) {
		p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "node-1", UID: "n1", Controller: ptr.To(true)}}
	}}, change...)...)
}

func volumes(v corev1.VolumeSource) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: v}} }
}

func aNode(name string, labels map[string]string, change ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	for _, c := range change {
		c(n)
	}
	return n
}

func TestPods(t *testing.T) {
	secret := corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}
	var all []request1
	for _, c := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"mirror", mirror(), ""},
		{"no mirror", mirror(func(p *corev1.Pod) { p.Annotations = nil }), `pod does not have "kubernetes.io/config.mirror" annotation, node "node-1" can only create mirror pods`},
		{"other node", mirror(func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }), `node "node-1" can only create pods with spec.nodeName set to itself`},
		{"no owner", mirror(func(p *corev1.Pod) { p.OwnerReferences = nil }), `can only create pods with an owner reference set to itself`},
		{"other owner", mirror(func(p *corev1.Pod) { p.OwnerReferences[0].Name = "node-2" }), `can only create pods with an owner reference set to itself`},
		{"no controller", mirror(func(p *corev1.Pod) { p.OwnerReferences[0].Controller = nil }), `can only create pods with a controller owner reference set to itself`},
		{"blocking", mirror(func(p *corev1.Pod) { p.OwnerReferences[0].BlockOwnerDeletion = ptr.To(true) }), `must not set blockOwnerDeletion on an owner reference`},
		{"node of another life", mirror(func(p *corev1.Pod) { p.OwnerReferences[0].UID = "x" }), `node node-1 UID mismatch: expected x got n1`},
		{"account", mirror(func(p *corev1.Pod) { p.Spec.ServiceAccountName = "a" }), `can not create pods that reference a service account`},
		{"secret", mirror(volumes(secret)), `can not create pods that reference secrets`},
		{"config map", mirror(volumes(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}})), `can not create pods that reference configmaps`},
		{"claim", mirror(volumes(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}})), `can not create pods that reference persistentvolumeclaims`},
		{"ephemeral", mirror(volumes(corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}})), `persistentvolumeclaims (via ephemeral volumes)`},
		{"csi", mirror(volumes(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}})), `csidrivers (via CSI volumes)`},
		{"bundle", mirror(volumes(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{}}}}})), `clustertrustbundles`},
		{"devices", mirror(func(p *corev1.Pod) { p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "a"}} }), `resourceclaims`},
	} {
		all = append(all, request1{name: "create " + c.name, resource: "pods", operation: admission.Create, object: c.pod, want: c.want})
	}
	own, other := bound("own", "node-1"), bound("other", "node-2")
	labelled := bound("own", "node-1", func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} })
	claimed := bound("own", "node-1", func(p *corev1.Pod) { p.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "a"}} })
	extended := bound("own", "node-1", func(p *corev1.Pod) { p.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{} })
	evict := func(name string) runtime.Object { return &policyv1.Eviction{ObjectMeta: meta(name)} }
	all = append(all,
		request1{name: "other users", resource: "pods", operation: admission.Create, object: other, user: &user.DefaultInfo{Name: "me"}},
		request1{name: "a node without a name", resource: "pods", operation: admission.Create, object: other, user: &user.DefaultInfo{Name: "me", Groups: node1.Groups}, want: `could not determine node from user "me"`},
		request1{name: "delete own", resource: "pods", operation: admission.Delete, objectName: "own"},
		request1{name: "delete other", resource: "pods", operation: admission.Delete, objectName: "other", want: `can only delete pods with spec.nodeName set to itself`},
		request1{name: "delete none", resource: "pods", operation: admission.Delete, objectName: "none", want: `not found`},
		request1{name: "update", resource: "pods", operation: admission.Update, object: own, old: own, want: `unexpected operation "UPDATE", node "node-1" can only create and delete mirror pods`},
		request1{name: "status", resource: "pods", subresource: "status", operation: admission.Update, object: own, old: own},
		request1{name: "status of other", resource: "pods", subresource: "status", operation: admission.Update, object: other, old: other, want: `can only update pod status for pods with spec.nodeName set to itself`},
		request1{name: "labels", resource: "pods", subresource: "status", operation: admission.Update, object: labelled, old: own, want: `cannot update labels through pod status`},
		request1{name: "claims", resource: "pods", subresource: "status", operation: admission.Update, object: claimed, old: own, want: `cannot update resource claim statues`},
		request1{name: "extended claims", resource: "pods", subresource: "status", operation: admission.Update, object: extended, old: own, want: `cannot update extended resource claim status`},
		request1{name: "evict own", resource: "pods", subresource: "eviction", operation: admission.Create, object: evict("own"), objectName: "own"},
		request1{name: "evict other", resource: "pods", subresource: "eviction", operation: admission.Create, object: evict("other"), objectName: "other", want: `node node-1 can only evict pods with spec.nodeName set to itself`},
		request1{name: "evict by name of URL", resource: "pods", subresource: "eviction", operation: admission.Create, object: evict("own"), objectName: "other", want: `can only evict`},
		request1{name: "binding", resource: "pods", subresource: "binding", operation: admission.Create, object: &corev1.Binding{}, want: `unexpected pod subresource "binding", only 'status' and 'eviction' are allowed`},
	)
	run(t, all)
}

func TestNodes(t *testing.T) {
	plain := aNode("node-1", nil)
	bad := map[string]string{"foo.node-restriction.kubernetes.io/a": "b", "kubernetes.io/a": "b", "x.k8s.io/c": "d", "plain": "ok", "sub.node.kubernetes.io/x": "y", corev1.LabelTopologyZone: "z"}
	good := map[string]string{"plain": "ok", "sub.node.kubernetes.io/x": "y", corev1.LabelTopologyZone: "z", "kubelet.kubernetes.io/v": "1"}
	run(t, []request1{
		{name: "create", resource: "nodes", operation: admission.Create, object: aNode("node-1", good)},
		{name: "create with taints", resource: "nodes", operation: admission.Create, object: aNode("node-1", nil, tainted)},
		{name: "create other", resource: "nodes", operation: admission.Create, object: aNode("node-2", nil), want: `node "node-1" is not allowed to modify node "node-2"`},
		{name: "create with labels", resource: "nodes", operation: admission.Create, object: aNode("node-1", bad), want: `node "node-1" is not allowed to set the following labels: foo.node-restriction.kubernetes.io/a, kubernetes.io/a, x.k8s.io/c`},
		{name: "label", resource: "nodes", operation: admission.Update, objectName: "node-1", object: aNode("node-1", good), old: plain},
		{name: "forbidden label", resource: "nodes", operation: admission.Update, objectName: "node-1", object: aNode("node-1", bad), old: plain, want: `is not allowed to modify labels: foo.node-restriction.kubernetes.io/a, kubernetes.io/a, x.k8s.io/c`},
		{name: "forbidden label away", resource: "nodes", operation: admission.Update, objectName: "node-1", object: plain, old: aNode("node-1", bad), want: `is not allowed to modify labels: foo.node-restriction.kubernetes.io/a, kubernetes.io/a, x.k8s.io/c`},
		{name: "forbidden label kept", resource: "nodes", operation: admission.Update, objectName: "node-1", object: aNode("node-1", bad), old: aNode("node-1", bad)},
		{name: "label through status", resource: "nodes", subresource: "status", operation: admission.Update, objectName: "node-1", object: aNode("node-1", bad), old: plain, want: `is not allowed to modify labels`},
		{name: "taints", resource: "nodes", operation: admission.Update, objectName: "node-1", object: aNode("node-1", nil, tainted), old: plain, want: `node "node-1" is not allowed to modify taints`},
		{name: "owners", resource: "nodes", operation: admission.Update, objectName: "node-1", object: aNode("node-1", nil, func(n *corev1.Node) { n.OwnerReferences = []metav1.OwnerReference{{Name: "x"}} }), old: plain, want: `node "node-1" is not allowed to modify ownerReferences`},
		{name: "update other", resource: "nodes", operation: admission.Update, objectName: "node-2", object: aNode("node-2", nil), old: aNode("node-2", nil), want: `is not allowed to modify node "node-2"`},
		{name: "delete other", resource: "nodes", operation: admission.Delete, objectName: "node-2", want: `is not allowed to modify node "node-2"`},
	})
}

func tainted(n *corev1.Node) {
	n.Spec.Taints = []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoSchedule}}
}

func TestOwnedObjects(t *testing.T) {
	slice := func(node *string) *resourcev1.ResourceSlice {
		return &resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{NodeName: node}}
	}
	claim := func(change ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{ObjectMeta: meta("c")}
		for _, f := range change {
			f(c)
		}
		return c
	}
	progress := func(c *corev1.PersistentVolumeClaim) {
		c.Status.Conditions = []corev1.PersistentVolumeClaimCondition{{Type: corev1.PersistentVolumeClaimResizing}}
		c.Status.Capacity = corev1.ResourceList{}
	}
	run(t, []request1{
		{name: "lease", resource: "coordination.k8s.io/leases", namespace: corev1.NamespaceNodeLease, operation: admission.Create, object: &coordinationv1.Lease{ObjectMeta: meta("node-1")}},
		{name: "lease of other", resource: "coordination.k8s.io/leases", namespace: corev1.NamespaceNodeLease, operation: admission.Create, object: &coordinationv1.Lease{ObjectMeta: meta("node-2")}, want: `can only access node lease with the same name as the requesting node`},
		{name: "lease elsewhere", resource: "coordination.k8s.io/leases", operation: admission.Update, objectName: "node-1", object: &coordinationv1.Lease{}, want: `can only access leases in the "kube-node-lease" system namespace`},
		{name: "csi node", resource: "storage.k8s.io/csinodes", operation: admission.Create, object: &storagev1.CSINode{ObjectMeta: meta("node-1")}},
		{name: "csi node of other", resource: "storage.k8s.io/csinodes", operation: admission.Update, objectName: "node-2", object: &storagev1.CSINode{ObjectMeta: meta("node-1")}, want: `can only access CSINode with the same name as the requesting node`},
		{name: "slice", resource: "resource.k8s.io/resourceslices", operation: admission.Create, object: slice(ptr.To("node-1"))},
		{name: "slice of other", resource: "resource.k8s.io/resourceslices", operation: admission.Create, object: slice(ptr.To("node-2")), want: `can only create ResourceSlice with the same NodeName as the requesting node`},
		{name: "slice of all", resource: "resource.k8s.io/resourceslices", operation: admission.Create, object: slice(nil), want: `can only create ResourceSlice`},
		{name: "claim", resource: "persistentvolumeclaims", operation: admission.Update, object: claim(), old: claim(), want: `may only update PVC status`},
		{name: "progress of claim", resource: "persistentvolumeclaims", subresource: "status", operation: admission.Update, object: claim(progress), old: claim()},
		{name: "phase of claim", resource: "persistentvolumeclaims", subresource: "status", operation: admission.Update, object: claim(func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimBound }), old: claim(), want: `is not allowed to update fields other than status.quantity and status.conditions`},
	})
}

func TestTokens(t *testing.T) {
	request := func(kind, name, uid string, audiences ...string) *authenticationv1.TokenRequest {
		r := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
		if kind != "" {
			r.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{Kind: kind, APIVersion: "v1", Name: name, UID: types.UID(uid)}
		}
		return r
	}
	var all []request1
	for _, c := range []struct {
		name    string
		request *authenticationv1.TokenRequest
		want    string
	}{
		{"unbound", request("", "", ""), "node requested token not bound to a pod"},
		{"bound to a secret", request("Secret", "own", "uid-own"), "node requested token not bound to a pod"},
		{"no uid", request("Pod", "own", ""), "node requested token with a pod binding without a uid"},
		{"no pod", request("Pod", "none", "x"), "not found"},
		{"pod of another life", request("Pod", "own", "x"), "the UID in the bound object reference (x) does not match the UID in record"},
		{"pod elsewhere", request("Pod", "other", "uid-other"), "node requested token bound to a pod scheduled on a different node"},
		{"projected", request("Pod", "own", "uid-own", "api"), ""},
		{"csi inline", request("Pod", "own", "uid-own", "driver"), ""},
		{"csi by claim", request("Pod", "own", "uid-own", "driver2"), ""},
		{"foreign audience", request("Pod", "own", "uid-own", "vault"), `audience "vault" not found in pod spec volume, system:node:node-1 is not authorized to request tokens for this audience`},
		{"permitted audience", request("Pod", "own", "uid-own", "allowed"), ""},
		{"two", request("Pod", "own", "uid-own", "a", "b"), "node may only request 0 or 1 audiences"},
		{"none, not projected", request("Pod", "own", "uid-own"), `audience "" not found in pod spec volume`},
	} {
		all = append(all, request1{name: c.name, resource: "serviceaccounts", subresource: "token", operation: admission.Create, object: c.request, objectName: "default", want: c.want})
	}
	run(t, all)
}

// permits lets nodes request tokens for the audience "allowed".
type permits struct{}

func (permits) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetVerb() == "request-serviceaccounts-token-audience" && a.GetResource() == "allowed" && a.GetName() == "default" {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func run(t *testing.T, all []request1) {
	t.Helper()
	p := &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update, admission.Delete), restrictAudiences: true, authorizer: permits{}}
	f := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	p.SetExternalKubeInformerFactory(f)
	p.SetReadyFunc(func() bool { return true })
	own := bound("own", "node-1", func(p *corev1.Pod) {
		p.UID = "uid-own"
		p.Spec.Volumes = []corev1.Volume{
			{Name: "t", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: "api"}}}}}},
			{Name: "c", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "d1"}}},
			{Name: "p", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}},
		}
	})
	driver := func(name, audience string) *storagev1.CSIDriver {
		return &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.CSIDriverSpec{TokenRequests: []storagev1.TokenRequest{{Audience: audience}}}}
	}
	core := f.Core().V1()
	add := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add(core.Pods().Informer().GetStore().Add(own))
	add(core.Pods().Informer().GetStore().Add(bound("other", "node-2", func(p *corev1.Pod) { p.UID = "uid-other" })))
	add(core.Nodes().Informer().GetStore().Add(aNode("node-1", nil, func(n *corev1.Node) { n.UID = "n1" })))
	add(core.PersistentVolumeClaims().Informer().GetStore().Add(&corev1.PersistentVolumeClaim{ObjectMeta: meta("c"), Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "v"}}))
	add(core.PersistentVolumes().Informer().GetStore().Add(&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "v"}, Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "d2"}}}}))
	add(f.Storage().V1().CSIDrivers().Informer().GetStore().Add(driver("d1", "driver")))
	add(f.Storage().V1().CSIDrivers().Informer().GetStore().Add(driver("d2", "driver2")))
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) { r.check(t, p) })
	}
}

func (r request1) check(t *testing.T, p *Plugin) {
	t.Helper()
	group, resource, ok := strings.Cut(r.resource, "/")
	if !ok {
		group, resource = "", r.resource
	}
	if r.user == nil {
		r.user = node1
	}
	if r.namespace == "" {
		r.namespace = "ns"
	}
	a := admission.NewAttributesRecord(r.object, r.old, schema.GroupVersionKind{}, r.namespace, r.objectName,
		schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}, r.subresource, r.operation, nil, false, r.user)
	err := p.Admit(context.Background(), a, nil)
	switch {
	case r.want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)):
		t.Errorf("got %v, want %q", err, r.want)
	}
}
