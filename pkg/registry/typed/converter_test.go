package typed

import (
	"math/rand"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/meta"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/builder3"
	"k8s.io/kube-openapi/pkg/common"
	openapi "k8s.io/kube-openapi/pkg/util"
	"k8s.io/kube-openapi/pkg/validation/spec"
	smdtyped "sigs.k8s.io/structured-merge-diff/v6/typed"

	endpointsopenapi "k8s.io/apiserver/pkg/endpoints/openapi"

	"tiphys.dev/tiphys/pkg/api/scheme"
	generatedopenapi "tiphys.dev/tiphys/pkg/generated/openapi"
)

// schemas are those of all kinds that have metadata.
func schemas(t testing.TB) (map[string]*spec.Schema, []schema.GroupVersionKind) {
	t.Helper()
	namer := endpointsopenapi.NewDefinitionNamer(scheme.Scheme)
	config := &common.OpenAPIV3Config{
		Info: &spec.Info{}, GetDefinitions: generatedopenapi.GetOpenAPIDefinitions, GetDefinitionName: namer.GetDefinitionName,
	}
	var models []string
	var kinds []schema.GroupVersionKind
	for gvk := range scheme.Scheme.AllKnownTypes() {
		o, err := scheme.Scheme.New(gvk)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := meta.Accessor(o); err == nil && gvk.Version != runtime.APIVersionInternal {
			models, kinds = append(models, openapi.GetCanonicalTypeName(o)), append(kinds, gvk)
		}
	}
	found, err := builder3.BuildOpenAPIDefinitionsForResources(config, models...)
	if err != nil {
		t.Fatal(err)
	}
	return found, kinds
}

// TestOwnersAreThePublishedOnes changes random objects of every kind, with the published converter and with this one.
func TestOwnersAreThePublishedOnes(t *testing.T) {
	schemas, kinds := schemas(t)
	published, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		t.Fatal(err)
	}
	own, err := New(schemas, scheme.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	if len(kinds) < 60 || len(own.types) < len(kinds) {
		t.Fatalf("%d kinds, %d with a schema", len(kinds), len(own.types))
	}
	compared := 0
	for _, kind := range kinds {
		fill := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(1), scheme.Codecs).NumElements(0, 3)
		for range 6 {
			live, changed := random(t, kind, fill.Fill), random(t, kind, fill.Fill)
			want, wantErr := owners(t, published, kind, live, changed)
			got, gotErr := owners(t, own, kind, live, changed)
			if (wantErr == nil) != (gotErr == nil) {
				t.Fatalf("%v: published %v, own %v", kind, wantErr, gotErr)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%v (-published +own):\n%s", kind, diff)
			}
			if wantErr == nil {
				compared++
			}
		}
	}
	// Objects that cannot be owned, say for a list with a key twice, are not the rule.
	if compared < len(kinds)*3 {
		t.Errorf("only %d objects of %d kinds have owners", compared, len(kinds))
	}
}

func random(t *testing.T, kind schema.GroupVersionKind, fill func(any)) runtime.Object {
	t.Helper()
	o, err := scheme.Scheme.New(kind)
	if err != nil {
		t.Fatal(err)
	}
	fill(o)
	o.GetObjectKind().SetGroupVersionKind(kind)
	m, err := meta.Accessor(o)
	if err != nil {
		t.Fatal(err)
	}
	m.SetManagedFields(nil)
	return o
}

// owners are those that the fields have after two managers have written one after the other, and one has applied.
func owners(t *testing.T, c managedfields.TypeConverter, kind schema.GroupVersionKind, live, changed runtime.Object) ([]metav1.ManagedFieldsEntry, error) {
	t.Helper()
	manager, err := managedfields.NewDefaultFieldManager(c, runtime.UnsafeObjectConvertor(scheme.Scheme), scheme.Scheme, scheme.Scheme, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := scheme.Scheme.New(kind)
	if err != nil {
		t.Fatal(err)
	}
	first, err := manager.Update(empty, live.DeepCopyObject(), "first")
	if err != nil {
		return nil, err
	}
	copied := changed.DeepCopyObject()
	m, err := meta.Accessor(copied)
	if err != nil {
		t.Fatal(err)
	}
	before, err := meta.Accessor(first)
	if err != nil {
		t.Fatal(err)
	}
	m.SetManagedFields(before.GetManagedFields())
	second, err := manager.Update(first, copied, "second")
	if err != nil {
		return nil, err
	}
	applied := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"labels": map[string]any{"by": "third"}}}}
	applied.SetGroupVersionKind(kind)
	third, err := manager.Apply(second, applied, "third", true)
	if err != nil {
		return nil, err
	}
	if m, err = meta.Accessor(third); err != nil {
		t.Fatal(err)
	}
	entries := m.GetManagedFields()
	for i := range entries {
		entries[i].Time = &metav1.Time{Time: time.Unix(0, 0)}
	}
	return entries, nil
}

// TestConverter has what is special about it.
func TestConverter(t *testing.T) {
	schemas, _ := schemas(t)
	c, err := New(schemas, scheme.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
	v, err := c.ObjectToTyped(pod, smdtyped.AllowDuplicates)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.TypedToObject(v)
	if err != nil || !reflect.DeepEqual(o, pod) {
		t.Errorf("the pod comes back as %v, %v", o, err)
	}
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	if pod.Kind != "Pod" {
		t.Error("who converts it changes the pod")
	}
	twice := map[string]any{"name": "c"}
	applied := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{"containers": []any{twice, twice}}}}
	if _, err := c.ObjectToTyped(applied); err == nil {
		t.Error("a pod with two containers of one name can be applied")
	}
	pod.Spec.Containers = []corev1.Container{{Name: "c"}, {Name: "c"}}
	if _, err := c.ObjectToTyped(pod); err == nil {
		t.Error("a pod with two containers of one name passes where no duplicates are allowed")
	}
	if _, err := c.ObjectToTyped(&metav1.Status{}); err == nil {
		t.Error("a status has a schema")
	}
}

func BenchmarkObjectToTyped(b *testing.B) {
	schemas, _ := schemas(b)
	published, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		b.Fatal(err)
	}
	own, err := New(schemas, scheme.Scheme)
	if err != nil {
		b.Fatal(err)
	}
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}}}}}
	for name, c := range map[string]managedfields.TypeConverter{"published": published, "own": own} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.ObjectToTyped(pod, smdtyped.AllowDuplicates); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
