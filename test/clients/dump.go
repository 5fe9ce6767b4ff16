package clients

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// made are the resources that controllers make out of what tools write: how far they are is chance.
var made = sets.New("events", "pods", "replicasets", "controllerrevisions", "endpoints", "endpointslices", "leases", "componentstatuses", "ipaddresses", "servicecidrs",
	"flowschemas", "prioritylevelconfigurations")

// dumper tells what objects a server has beside those it began with.
type dumper struct {
	discovery *discovery.DiscoveryClient
	dynamic   *dynamic.DynamicClient
	before    map[string]string
}

func newDumper(t *testing.T, cfg *rest.Config) *dumper {
	t.Helper()
	d := &dumper{discovery: discovery.NewDiscoveryClientForConfigOrDie(cfg), dynamic: dynamic.NewForConfigOrDie(cfg)}
	d.before = d.objects(t)
	return d
}

func (d *dumper) objects(t *testing.T) map[string]string {
	t.Helper()
	// Groups that do not answer are left out, as a definition may be going.
	groups, err := d.discovery.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		t.Fatalf("asking for resources: %v", err)
	}
	out := map[string]string{}
	for _, group := range groups {
		gv, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range group.APIResources {
			if made.Has(r.Name) || strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
				continue
			}
			list, err := d.dynamic.Resource(gv.WithResource(r.Name)).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				continue
			}
			for _, o := range list.Items {
				if !incidental(&o) {
					body, err := o.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					out[fmt.Sprintf("%s.%s %s/%s", r.Name, gv.Group, o.GetNamespace(), normalize(o.GetName()))] = normalize(pretty(body))
				}
			}
		}
	}
	return out
}

// incidental are objects that a server or its controllers make by themselves, when they come to it.
func incidental(o *unstructured.Unstructured) bool {
	return strings.HasPrefix(o.GetNamespace(), "kube-") || o.GetLabels()["kubernetes.io/bootstrapping"] != "" || o.GetName() == "kube-root-ca.crt" || o.GetKind() == "ServiceAccount" && o.GetName() == "default"
}

// changed is what is there now and was not when the server began, or differs from then.
func (d *dumper) changed(t *testing.T) string {
	t.Helper()
	now := d.objects(t)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != d.before[name] {
			fmt.Fprintf(&b, "# %s\n%s", name, now[name])
		}
	}
	return b.String()
}
