package check_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	genericfuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/utils/ptr"

	"tiphys.dev/apirules/check"
)

func TestSame(t *testing.T) {
	amount := func(s string) *v1.PodSpec {
		return &v1.PodSpec{Overhead: v1.ResourceList{v1.ResourceCPU: resource.MustParse(s)}}
	}
	for _, tt := range []struct {
		name string
		a, b any
		want bool
	}{
		{"equal", amount("1"), amount("1"), true},
		{"another amount", amount("1"), amount("2"), false},
		{"the same amount in other words", amount("1"), amount("1000m"), true},
		{"none and empty", &v1.PodSpec{Volumes: []v1.Volume{}, NodeSelector: map[string]string{}}, &v1.PodSpec{}, true},
		{"no pointer and one to zero", &v1.PodSpec{Priority: ptr.To[int32](0)}, &v1.PodSpec{}, false},
		{"no part and an empty one", &v1.PodSpec{SecurityContext: &v1.PodSecurityContext{}}, &v1.PodSpec{}, false},
		{"as long", &v1.PodSpec{NodeName: "a"}, &v1.PodSpec{NodeName: "b"}, false},
		{"maps", map[string]string{"a": "1", "b": "2"}, map[string]string{"b": "2", "a": "1"}, true},
		{"nil and nil", (*v1.NodeAffinity)(nil), (*v1.NodeAffinity)(nil), true},
		{"nil and something", (*v1.NodeAffinity)(nil), &v1.NodeAffinity{}, false},
		{"something and nil", &v1.NodeAffinity{}, (*v1.NodeAffinity)(nil), false},
		{"of different types", &v1.ConfigMapEnvSource{}, &v1.SecretEnvSource{}, false},
		{"no pointers", v1.PodSpec{NodeName: "a"}, v1.PodSpec{NodeName: "a"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := check.Same(tt.a, tt.b); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Whatever a field holds, a change of it is seen, and none is seen where there is none.
func TestSameRandom(t *testing.T) {
	codecs := serializer.NewCodecFactory(runtime.NewScheme())
	fill := fuzzer.FuzzerFor(genericfuzzer.Funcs, rand.NewSource(1), codecs)
	for i := range 2000 {
		a := &v1.PodSpec{}
		fill.Fill(a)
		b := a.DeepCopy()
		if !check.Same(a, b) {
			t.Fatalf("a copy differs: %v", a)
		}
		f := reflect.ValueOf(b).Elem().Field(i % reflect.TypeOf(*b).NumField())
		fill.Fill(f.Addr().Interface())
		if got, want := check.Same(a, b), equality.Semantic.DeepEqual(a, b); got != want {
			t.Fatalf("got %v for %v and %v", got, a, b)
		}
	}
}

func BenchmarkSame(b *testing.B) {
	template := &appsv1.DeploymentSpec{Template: v1.PodTemplateSpec{Spec: v1.PodSpec{}}}
	for i := range 3 {
		c := v1.Container{Name: fmt.Sprint(i), Image: "image", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}}}
		c.Env = []v1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}
		template.Template.Spec.Containers = append(template.Template.Spec.Containers, c)
	}
	other := template.DeepCopy()
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() {
			check.Same(template, other)
		}
	})
	b.Run("reflection", func(b *testing.B) {
		for b.Loop() {
			equality.Semantic.DeepEqual(template, other)
		}
	})
}
