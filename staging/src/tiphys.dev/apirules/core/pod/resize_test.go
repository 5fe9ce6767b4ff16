package pod

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func requirements(cpu, limit string) v1.ResourceRequirements {
	r := v1.ResourceRequirements{}
	if cpu != "" {
		r.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}
	}
	if limit != "" {
		r.Limits = v1.ResourceList{v1.ResourceCPU: resource.MustParse(limit)}
	}
	return r
}

func TestQOSClassOfWholePod(t *testing.T) {
	whole := requirements("1", "1")
	whole.Requests[v1.ResourceMemory], whole.Limits[v1.ResourceMemory] = resource.MustParse("1Gi"), resource.MustParse("1Gi")
	for _, c := range []struct {
		name  string
		whole *v1.ResourceRequirements
		want  v1.PodQOSClass
	}{
		{"by its containers", nil, v1.PodQOSBurstable}, {"stated as nothing", &v1.ResourceRequirements{}, v1.PodQOSBestEffort}, {"stated", &whole, v1.PodQOSGuaranteed},
	} {
		p := &v1.Pod{Spec: v1.PodSpec{Resources: c.whole, Containers: []v1.Container{{Name: "c", Resources: requirements("1", "")}}}}
		if got := QOSClass(p); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestResize(t *testing.T) {
	whole := requirements("2", "4")
	old := &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "i", Resources: requirements("1", "")}},
		InitContainers: []v1.Container{{Name: "i", Image: "i", Resources: requirements("1", "")}}, Resources: &whole}}
	old.Name, old.Namespace, old.ResourceVersion = "p", "n", "1"
	SetDefaults(old)
	unstated := old.DeepCopy()
	unstated.Spec.Resources = nil
	for _, c := range []struct {
		name   string
		old    *v1.Pod
		change func(*v1.PodSpec)
		want   []string
	}{
		{"nothing", old, func(*v1.PodSpec) {}, nil},
		{"container", old, func(s *v1.PodSpec) { s.Containers[0].Resources = requirements("1500m", "") }, nil},
		{"container over the pod", old, func(s *v1.PodSpec) { s.Containers[0].Resources = requirements("3", "") }, []string{"spec.resources.requests[cpu]"}},
		{"init container", old, func(s *v1.PodSpec) { s.InitContainers[0].Resources = requirements("2", "") }, nil},
		{"one more container", old, func(s *v1.PodSpec) { s.Containers = append(s.Containers, v1.Container{Name: "d", Image: "i"}) }, []string{"spec.containers"}},
		{"renamed", old, func(s *v1.PodSpec) { s.InitContainers[0].Name = "x" }, []string{"spec.initContainers"}},
		{"request taken back", old, func(s *v1.PodSpec) { s.Containers[0].Resources.Requests = nil }, []string{"spec.containers[0].resources.requests"}},
		{"image", old, func(s *v1.PodSpec) { s.Containers[0].Image = "x" }, []string{"spec"}},
		{"whole", old, func(s *v1.PodSpec) { *s.Resources = requirements("3", "5") }, nil},
		{"whole, limit taken back", old, func(s *v1.PodSpec) { *s.Resources = requirements("3", "") }, []string{"spec.resources.limits"}},
		{"whole, taken back", old, func(s *v1.PodSpec) { s.Resources = nil }, []string{"spec.resources"}},
		{"whole, stated late", unstated, func(s *v1.PodSpec) { r := requirements("3", ""); s.Resources = &r }, nil},
	} {
		obj := c.old.DeepCopy()
		c.change(&obj.Spec)
		var got []string
		for _, e := range ValidateResize(obj, c.old) {
			got = append(got, e.Field)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
