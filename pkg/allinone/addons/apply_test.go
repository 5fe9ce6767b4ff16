package addons

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
)

var cfg = Config{DNS: "10.96.0.10", Domain: "cluster.local", Image: CoreDNSImage}

// Every object decodes strictly into its published type: no misspelled field, no wrong kind.
func TestObjectsAreOfTheirTypes(t *testing.T) {
	objects, err := Objects(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 6 {
		t.Errorf("%d objects, want 6", len(objects))
	}
	for _, o := range objects {
		typed, err := scheme.Scheme.New(o.GroupVersionKind())
		if err != nil {
			t.Errorf("%s: %v", o.GetName(), err)
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, typed, true); err != nil {
			t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
		}
		if _, known := resources[o.GroupVersionKind().GroupKind()]; !known {
			t.Errorf("%s has no resource", o.GetKind())
		}
	}
}

func TestApplyLeavesWhatExists(t *testing.T) {
	ctx := context.Background()
	client := fake.NewSimpleDynamicClient(scheme.Scheme)
	if err := Apply(ctx, client, cfg); err != nil {
		t.Fatal(err)
	}
	corefile := client.Resource(resources[(&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}).GroupVersionKind().GroupKind()]).Namespace("kube-system")
	object, err := corefile.Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(object.Object, "mine", "data", "Corefile"); err != nil {
		t.Fatal(err)
	}
	if _, err := corefile.Update(ctx, object, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(ctx, client, cfg); err != nil {
		t.Fatal(err)
	}
	object, err = corefile.Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := unstructured.NestedString(object.Object, "data", "Corefile"); got != "mine" {
		t.Errorf("a person's Corefile was overwritten with %q", got)
	}
}
