package quota

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

// text makes lists comparable: equal amounts may be written with different units.
func text(l corev1.ResourceList) map[string]string {
	m := map[string]string{}
	for name, q := range l {
		m[string(name)] = q.String()
	}
	return m
}

var noon = testclock.NewFakePassiveClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))

func evaluatorOf(t *testing.T, c Config, group, name string) apiquota.Evaluator {
	t.Helper()
	q, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	e := generic.NewRegistry(q.Evaluators()).Get(schema.GroupResource{Group: group, Resource: name})
	if e == nil {
		t.Fatalf("no evaluator for %s", name)
	}
	return e
}

func pod(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Resources: corev1.ResourceRequirements{
			Requests: list("cpu", "1", "memory", "1Gi", "ephemeral-storage", "100Mi", "hugepages-2Mi", "2Mi", "example.com/foo", "3", "deviceclass.resource.kubernetes.io/tpu", "1"),
			Limits:   list("cpu", "2", "memory", "1Gi", "ephemeral-storage", "100Mi", "hugepages-2Mi", "2Mi", "example.com/foo", "3"),
		},
	}}}}
	for _, c := range change {
		c(p)
	}
	return p
}

// The amounts are those that upstream's server charges.
func TestUsage(t *testing.T) {
	only := map[string]string{"count/pods": "1"}
	service := func(kind corev1.ServiceType, ports ...corev1.ServicePort) *corev1.Service {
		return &corev1.Service{Spec: corev1.ServiceSpec{Type: kind, Ports: ports}}
	}
	none := service(corev1.ServiceTypeLoadBalancer, corev1.ServicePort{}, corev1.ServicePort{NodePort: 30000})
	none.Spec.AllocateLoadBalancerNodePorts = ptr.To(false)
	volumeClaim := func(size, aside string) *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To("gold")}}
		c.Spec.Resources.Requests = list("storage", size)
		if aside != "" {
			c.Status.AllocatedResources = list("storage", aside)
		}
		return c
	}
	claimOf := func(size string) map[string]string {
		return map[string]string{"count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": size,
			"gold.storageclass.storage.k8s.io/requests.storage": size, "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1"}
	}
	services := func(ports, balancers string) map[string]string {
		return map[string]string{"count/services": "1", "services": "1", "services.nodeports": ports, "services.loadbalancers": balancers}
	}
	for _, c := range []struct {
		name, resource string
		object         runtime.Object
		want           map[string]string
	}{
		{"pod", "pods", pod(), map[string]string{
			"count/pods": "1", "pods": "1", "cpu": "1", "requests.cpu": "1", "limits.cpu": "2", "memory": "1Gi", "requests.memory": "1Gi", "limits.memory": "1Gi",
			"ephemeral-storage": "100Mi", "requests.ephemeral-storage": "100Mi", "limits.ephemeral-storage": "100Mi",
			"hugepages-2Mi": "2Mi", "requests.hugepages-2Mi": "2Mi", "requests.example.com/foo": "3", "requests.deviceclass.resource.kubernetes.io/tpu": "1",
		}},
		{"pod that is over", "pods", pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), only},
		{"pod past its grace", "pods", pod(ending(-time.Hour)), only},
		{"cluster IP", "services", service(corev1.ServiceTypeClusterIP, corev1.ServicePort{}), services("0", "0")},
		{"node port", "services", service(corev1.ServiceTypeNodePort, corev1.ServicePort{}, corev1.ServicePort{}), services("2", "0")},
		{"load balancer", "services", service(corev1.ServiceTypeLoadBalancer, corev1.ServicePort{}), services("1", "1")},
		{"load balancer without node ports", "services", none, services("1", "1")},
		{"volume claim", "persistentvolumeclaims", volumeClaim("1Gi", ""), claimOf("1Gi")},
		{"expansion taken back", "persistentvolumeclaims", volumeClaim("1Gi", "2Gi"), claimOf("2Gi")},
		{"part of a byte", "persistentvolumeclaims", volumeClaim("1500m", ""), claimOf("2")},
		{"config map", "configmaps", &corev1.ConfigMap{}, map[string]string{"count/configmaps": "1", "configmaps": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := evaluatorOf(t, Config{Clock: noon}, "", c.resource).Usage(c.object)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, text(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func ending(from time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.DeletionTimestamp = &metav1.Time{Time: noon.Now().Add(from)}
		p.DeletionGracePeriodSeconds = ptr.To[int64](30)
	}
}

func TestPodWithinItsGraceCounts(t *testing.T) {
	if _, ok := PodUsage(pod(ending(-10*time.Second)), noon)[corev1.ResourcePods]; !ok {
		t.Error("a pod that may still run is not charged")
	}
}

func TestPodScopes(t *testing.T) {
	deadline := pod(func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To[int64](5) })
	best := &corev1.Pod{Spec: corev1.PodSpec{PriorityClassName: "high", Containers: []corev1.Container{{}}}}
	elsewhere := pod(func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{PodAffinityTerm: corev1.PodAffinityTerm{Namespaces: []string{"x"}}}}}}
	})
	priority := func(op corev1.ScopeSelectorOperator, values ...string) corev1.ScopedResourceSelectorRequirement {
		return corev1.ScopedResourceSelectorRequirement{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: op, Values: values}
	}
	exists := func(s corev1.ResourceQuotaScope) corev1.ScopedResourceSelectorRequirement {
		return corev1.ScopedResourceSelectorRequirement{ScopeName: s, Operator: corev1.ScopeSelectorOpExists}
	}
	for _, c := range []struct {
		name  string
		scope corev1.ScopedResourceSelectorRequirement
		pod   *corev1.Pod
		want  bool
	}{
		{"deadline", exists(corev1.ResourceQuotaScopeTerminating), deadline, true},
		{"no deadline", exists(corev1.ResourceQuotaScopeTerminating), best, false},
		{"not terminating", exists(corev1.ResourceQuotaScopeNotTerminating), best, true},
		{"best effort", exists(corev1.ResourceQuotaScopeBestEffort), best, true},
		{"not best effort", exists(corev1.ResourceQuotaScopeNotBestEffort), deadline, true},
		{"other namespaces", exists(corev1.ResourceQuotaScopeCrossNamespacePodAffinity), elsewhere, true},
		{"own namespace", exists(corev1.ResourceQuotaScopeCrossNamespacePodAffinity), best, false},
		{"priority in", priority(corev1.ScopeSelectorOpIn, "high"), best, true},
		{"priority not in", priority(corev1.ScopeSelectorOpNotIn, "high"), best, false},
		{"no priority, not in", priority(corev1.ScopeSelectorOpNotIn, "high"), deadline, true},
		{"no priority, exists", priority(corev1.ScopeSelectorOpExists), deadline, false},
		{"no priority, does not exist", priority(corev1.ScopeSelectorOpDoesNotExist), deadline, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := podScope(c.scope, c.pod)
			if err != nil || got != c.want {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestPodConstraints(t *testing.T) {
	required := []corev1.ResourceName{"cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.ephemeral-storage", "pods"}
	partial := &corev1.Pod{Spec: corev1.PodSpec{
		Containers: []corev1.Container{
			{Name: "a", Resources: corev1.ResourceRequirements{Requests: list("cpu", "1")}},
			{Name: "b", Resources: corev1.ResourceRequirements{Requests: list("memory", "1")}},
		},
		InitContainers: []corev1.Container{{Name: "ii"}},
	}}
	err := podConstraints(required, partial)
	want := "must specify cpu for: b,ii; limits.cpu for: a,b,ii; limits.memory for: a,b,ii; memory for: a,ii; requests.cpu for: b,ii"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	whole := partial.DeepCopy()
	whole.Spec.Resources = &corev1.ResourceRequirements{Requests: list("cpu", "1")}
	if err := podConstraints(required, whole); err != nil {
		t.Errorf("resources of the whole pod: %v", err)
	}
}

func TestWhichRequestsAreCharged(t *testing.T) {
	for _, c := range []struct {
		resource, subresource string
		operation             admission.Operation
		want                  bool
	}{
		{"pods", "", admission.Create, true},
		{"pods", "", admission.Update, true},
		{"pods", "resize", admission.Update, true},
		{"pods", "status", admission.Update, false},
		{"pods", "", admission.Delete, false},
		{"services", "", admission.Update, true},
		{"services", "status", admission.Update, false},
		{"configmaps", "", admission.Update, false},
	} {
		t.Run(c.resource+"/"+c.subresource+string(c.operation), func(t *testing.T) {
			a := admission.NewAttributesRecord(nil, nil, schema.GroupVersionKind{}, "ns", "", corev1.SchemeGroupVersion.WithResource(c.resource), c.subresource, c.operation, nil, false, nil)
			if got := evaluatorOf(t, Config{}, "", c.resource).Handles(a); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

type classNames map[string]string

func (n classNames) GetExtendedResource(class string) string { return n[class] }

func request(class string, count int64) resourcev1.DeviceRequest {
	return resourcev1.DeviceRequest{Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: class, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: count}}
}

func claim(name string, owner *corev1.Pod, requests ...resourcev1.DeviceRequest) *resourcev1.ResourceClaim {
	c := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
	c.Spec.Devices.Requests = requests
	if owner != nil {
		c.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"}
		c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: owner.Name, UID: owner.UID, Controller: ptr.To(true)}}
	}
	return c
}

// The amounts are those that upstream's server charges.
func TestClaims(t *testing.T) {
	payer := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "payer", UID: "u"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Requests: list("ex.com/gpu", "1", "deviceclass.resource.kubernetes.io/gpu", "1")},
	}}}}
	broke := payer.DeepCopy()
	broke.Name, broke.UID, broke.Spec.Containers = "broke", "b", []corev1.Container{{}}
	served := payer.DeepCopy()
	served.Name, served.UID = "served", "s"
	all := request("tpu", 0)
	all.Exactly.AllocationMode = resourcev1.DeviceAllocationModeAll
	alternatives := resourcev1.DeviceRequest{FirstAvailable: []resourcev1.DeviceSubRequest{
		{DeviceClassName: "gpu", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 5},
		{DeviceClassName: "tpu", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 4},
		{DeviceClassName: "gpu", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 3},
	}}
	gpu := func(devices, implicit, explicit string) map[string]string {
		return map[string]string{"count/resourceclaims.resource.k8s.io": "1", "gpu.deviceclass.resource.k8s.io/devices": devices,
			"requests.deviceclass.resource.kubernetes.io/gpu": implicit, "requests.ex.com/gpu": explicit}
	}
	tpu := func(n string, m map[string]string) map[string]string {
		m["count/resourceclaims.resource.k8s.io"] = "1"
		m["tpu.deviceclass.resource.k8s.io/devices"], m["requests.deviceclass.resource.kubernetes.io/tpu"] = n, n
		return m
	}
	f := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	for _, p := range []*corev1.Pod{payer, broke, served} {
		if err := f.Core().V1().Pods().Informer().GetStore().Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Resource().V1().ResourceClaims().Informer().GetStore().Add(claim("first", served)); err != nil {
		t.Fatal(err)
	}
	owners := &Owners{Pods: f.Core().V1().Pods().Lister(), Claims: f.Resource().V1().ResourceClaims().Lister()}
	e := evaluatorOf(t, Config{Classes: classNames{"gpu": "ex.com/gpu"}, Owners: owners}, "resource.k8s.io", "resourceclaims")
	for _, c := range []struct {
		name  string
		claim *resourcev1.ResourceClaim
		want  map[string]string
	}{
		{"class with extended resource", claim("a", nil, request("gpu", 2)), gpu("2", "2", "2")},
		{"class without", claim("a", nil, request("tpu", 3)), tpu("3", map[string]string{})},
		{"all devices", claim("a", nil, all), tpu("32", map[string]string{})},
		{"alternatives", claim("a", nil, alternatives), tpu("4", gpu("5", "5", "5"))},
		{"made for a pod that paid", claim("a", payer, request("gpu", 2)), gpu("2", "1", "1")},
		{"made for a pod that did not pay", claim("a", broke, request("gpu", 2)), gpu("2", "2", "2")},
		{"second for a pod that paid", claim("second", served, request("gpu", 2)), gpu("2", "2", "2")},
		{"first, counted again", claim("first", served, request("gpu", 2)), gpu("2", "1", "1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := e.Usage(c.claim)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, text(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// The way of the controller: count all that is there.
func TestCalculateUsage(t *testing.T) {
	f := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	two := pod(func(p *corev1.Pod) { p.Name = "two" })
	over := pod(func(p *corev1.Pod) { p.Name, p.Status.Phase = "over", corev1.PodFailed })
	for _, p := range []*corev1.Pod{pod(), two, over} {
		if err := f.Core().V1().Pods().Informer().GetStore().Add(p); err != nil {
			t.Fatal(err)
		}
	}
	q, err := New(Config{Clock: noon, Lister: func(gvr schema.GroupVersionResource) (cache.GenericLister, error) {
		i, err := f.ForResource(gvr)
		if err != nil {
			return nil, err
		}
		return i.Lister(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	used, err := apiquota.CalculateUsage("ns", nil, list("pods", "9", "count/pods", "9", "cpu", "9", "services", "9"), generic.NewRegistry(q.Evaluators()), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"pods": "2", "count/pods": "3", "cpu": "2", "services": "0"}
	if d := cmp.Diff(want, text(used)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
