package admission

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/utils/ptr"
)

// The plugins that are off by default.
func TestOptionalPlugins(t *testing.T) {
	pulled := aPod(func(p *corev1.Pod) { p.Spec.Containers[0].ImagePullPolicy = corev1.PullNever })
	service := func(ips ...string) *corev1.Service {
		return &corev1.Service{ObjectMeta: named("s"), Spec: corev1.ServiceSpec{ExternalIPs: ips}}
	}
	gpu := aPod(func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = amounts("ex.com/gpu", "1", "cpu", "1") })
	apart := func(key string) *corev1.Pod {
		return aPod(func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: key}}}}
		})
	}
	ns := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}}}
	for _, r := range []request{
		{name: "admit", plugin: "AlwaysAdmit", resource: "/pods", object: aPod()},
		{name: "deny", plugin: "AlwaysDeny", resource: "/pods", object: aPod(), want: "admission control is denying all modifications"},
		{name: "pull", plugin: "AlwaysPullImages", resource: "/pods", object: pulled, check: func(t *testing.T) { equals(t, pulled.Spec.Containers[0].ImagePullPolicy, corev1.PullAlways) }},
		{name: "external IP", plugin: "DenyServiceExternalIPs", resource: "/services", object: service("1.2.3.4"), want: "Use of external IPs is denied by admission control"},
		{name: "external IP that stays", plugin: "DenyServiceExternalIPs", resource: "/services", operation: admission.Update, object: service("1.2.3.4"), old: service("1.2.3.4", "5.6.7.8")},
		{name: "toleration of a resource", plugin: "ExtendedResourceToleration", resource: "/pods", object: gpu, check: func(t *testing.T) {
			equals(t, gpu.Spec.Tolerations, []corev1.Toleration{{Key: "ex.com/gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}})
		}},
		{name: "apart by node", plugin: "LimitPodHardAntiAffinityTopology", resource: "/pods", object: apart(corev1.LabelHostname)},
		{name: "apart by zone", plugin: "LimitPodHardAntiAffinityTopology", resource: "/pods", object: apart("zone"), want: "has TopologyKey zone but only key kubernetes.io/hostname is allowed"},
		{name: "namespace is there", plugin: "NamespaceExists", cluster: ns, resource: "/pods", object: aPod()},
		{name: "namespace is not there", plugin: "NamespaceExists", resource: "/pods", object: aPod(), want: `namespaces "ns" not found`},
		{name: "namespace is made", plugin: "NamespaceAutoProvision", resource: "/pods", object: aPod()},
	} {
		t.Run(r.name, r.run)
	}
}

func TestOwnerReferences(t *testing.T) {
	owned := func(block bool, kind string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c", OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: kind, Name: "p", UID: "u", BlockOwnerDeletion: ptr.To(block)}}}}
	}
	free := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}
	for _, r := range []request{
		{name: "new with owner", object: owned(false, "Pod"), user: "me"},
		{name: "owner added", operation: admission.Update, object: owned(false, "Pod"), old: free, user: "me", want: "cannot set an ownerRef on a resource you can't delete: , <nil>"},
		{name: "owner added with permission", operation: admission.Update, object: owned(true, "Pod"), old: free, user: "deleter"},
		{name: "blocking", object: owned(true, "Pod"), user: "me", want: "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>"},
		{name: "blocking already", operation: admission.Update, object: owned(true, "Pod"), old: owned(true, "Pod"), user: "me"},
		{name: "blocking the unknown", object: owned(true, "Foo"), user: "me", want: "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion v1 Kind Foo"},
	} {
		r.plugin, r.resource = "OwnerReferencesPermissionEnforcement", "/configmaps"
		t.Run(r.name, r.run)
	}
}

func TestPodNodeSelector(t *testing.T) {
	ns := func(annotations ...string) []runtime.Object {
		return []runtime.Object{&corev1.Namespace{ObjectMeta: cluster("ns", 1, annotations...)}}
	}
	selecting := func(k, v string) *corev1.Pod {
		return aPod(func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{k: v} })
	}
	const annotation = "scheduler.alpha.kubernetes.io/node-selector"
	const config = "podNodeSelectorPluginConfig:\n  clusterDefaultNodeSelector: \"d=e\"\n  ns: \"env=prod\"\n"
	merged, byDefault := selecting("z", "z"), aPod()
	for _, r := range []request{
		{name: "merged", cluster: ns(annotation, "env=prod, a=b"), object: merged, check: func(t *testing.T) {
			equals(t, merged.Spec.NodeSelector, map[string]string{"env": "prod", "a": "b", "z": "z"})
		}},
		{name: "conflict", cluster: ns(annotation, "env=prod"), object: selecting("env", "dev"), want: "pod node label selector conflicts with its namespace node label selector"},
		{name: "cluster default", config: "podNodeSelectorPluginConfig:\n  clusterDefaultNodeSelector: d=e\n", cluster: ns(), object: byDefault, check: func(t *testing.T) { equals(t, byDefault.Spec.NodeSelector, map[string]string{"d": "e"}) }},
		{name: "not in the whitelist", config: config, cluster: ns(annotation, "env=prod"), object: selecting("x", "y"), want: "pod node label selector labels conflict with its namespace whitelist"},
		{name: "bad annotation", cluster: ns(annotation, "env in (a"), object: aPod(), want: "invalid selector: [env in (a]"},
	} {
		r.plugin, r.resource = "PodNodeSelector", "/pods"
		t.Run(r.name, r.run)
	}
}

// What upstream's server answered.
func TestPodTolerationRestriction(t *testing.T) {
	ns := func(defaults, whitelist string) []runtime.Object {
		o := &corev1.Namespace{ObjectMeta: cluster("ns", 1)}
		o.Annotations = map[string]string{"scheduler.alpha.kubernetes.io/defaultTolerations": defaults, "scheduler.alpha.kubernetes.io/tolerationsWhitelist": whitelist}
		return []runtime.Object{o}
	}
	with := func(list ...corev1.Toleration) *corev1.Pod {
		return aPod(func(p *corev1.Pod) { p.Spec.Tolerations = list })
	}
	exists := func(key string) corev1.Toleration {
		return corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists}
	}
	white := ns(`[{"key":"d","operator":"Exists"}]`, `[{"key":"d","operator":"Exists"},{"key":"w","value":"v","effect":"NoSchedule"},{"key":"s","operator":"Exists","effect":"NoExecute","tolerationSeconds":400}]`)
	two := ns(`[{"key":"d","operator":"Exists"},{"key":"e","operator":"Equal","value":"1","effect":"NoSchedule"}]`, "")
	e := corev1.Toleration{Key: "e", Operator: corev1.TolerationOpEqual, Value: "1", Effect: corev1.TaintEffectNoSchedule}
	const conflict = "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist"
	added, narrow, wide, all := with(), with(corev1.Toleration{Key: "d", Value: "x"}), with(exists("e")), with(exists(""))
	burst := aPod(func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = amounts("cpu", "1") })
	has := func(p *corev1.Pod, want ...corev1.Toleration) func(*testing.T) {
		return func(t *testing.T) { equals(t, p.Spec.Tolerations, want) }
	}
	for _, r := range []request{
		{name: "in the whitelist", cluster: white, object: with(corev1.Toleration{Key: "w", Value: "v", Effect: corev1.TaintEffectNoSchedule})},
		{name: "wider than the whitelist", cluster: white, object: with(corev1.Toleration{Key: "w", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}), want: conflict},
		{name: "not in the whitelist", cluster: white, object: with(exists("q")), want: conflict},
		{name: "not in the cluster's whitelist", config: `{"apiVersion":"podtolerationrestriction.admission.k8s.io/v1alpha1","kind":"Configuration","whitelist":[{"key":"w"}]}`, cluster: []runtime.Object{&corev1.Namespace{ObjectMeta: cluster("ns", 1)}}, object: with(exists("q")), want: strings.Replace(conflict, "namespace whitelist", "cluster whitelist", 1)},
		{name: "for a shorter time", cluster: white, object: with(corev1.Toleration{Key: "s", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)})},
		{name: "for a longer time", cluster: white, object: with(corev1.Toleration{Key: "s", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}), want: conflict},
		{name: "defaults", cluster: two, object: added, check: has(added, exists("d"), e)},
		{name: "covered by a default", cluster: two, object: narrow, check: has(narrow, exists("d"), e)},
		{name: "covers a default", cluster: two, object: wide, check: has(wide, exists("e"), exists("d"))},
		{name: "covers all", cluster: two, object: all, check: has(all, exists(""))},
		{name: "with requests", cluster: ns("", ""), object: burst, check: has(burst, corev1.Toleration{Key: corev1.TaintNodeMemoryPressure, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule})},
		{name: "bad annotation", cluster: ns("nope", ""), object: with(), want: "invalid character 'o' in literal null"},
	} {
		r.plugin, r.resource = "PodTolerationRestriction", "/pods"
		t.Run(r.name, r.run)
	}
}

func TestEventRateLimit(t *testing.T) {
	r := request{plugin: "EventRateLimit", config: `{"apiVersion":"eventratelimit.admission.k8s.io/v1alpha1","kind":"Configuration","limits":[{"type":"Namespace","qps":1,"burst":2}]}`}
	p := build(t, r).(admission.ValidationInterface)
	event := func(ns string, dry bool) error {
		a := admission.NewAttributesRecord(&corev1.Event{}, nil, corev1.SchemeGroupVersion.WithKind("Event"), ns, "e", corev1.SchemeGroupVersion.WithResource("events"), "", admission.Create, nil, dry, nil)
		return p.Validate(t.Context(), a, nil)
	}
	for i := range 2 {
		if err := event("a", false); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	if err := event("a", false); err == nil || err.Error() != "Too many requests: limit reached on type Namespace for key a" {
		t.Errorf("third event: %v", err)
	}
	if err := event("a", true); err != nil {
		t.Errorf("a dry run is counted: %v", err)
	}
	if err := event("b", false); err != nil {
		t.Errorf("another namespace: %v", err)
	}
}
