package podspec

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestPodLevelDefaults(t *testing.T) {
	list := func(pairs ...string) v1.ResourceList {
		out := v1.ResourceList{}
		for i := 0; i < len(pairs); i += 2 {
			out[v1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
		}
		return out
	}
	for _, c := range []struct {
		name             string
		whole, container v1.ResourceRequirements
		want             v1.ResourceRequirements
	}{
		{"requests alone", v1.ResourceRequirements{Requests: list("cpu", "2")}, v1.ResourceRequirements{Requests: list("cpu", "1", "memory", "1Gi")},
			v1.ResourceRequirements{Requests: list("cpu", "2")}},
		{"a limit", v1.ResourceRequirements{Limits: list("memory", "4Gi")}, v1.ResourceRequirements{Requests: list("cpu", "1", "memory", "1Gi")},
			v1.ResourceRequirements{Limits: list("memory", "4Gi"), Requests: list("cpu", "1", "memory", "1Gi")}},
		{"huge pages of a container", v1.ResourceRequirements{Requests: list("cpu", "2")},
			v1.ResourceRequirements{Requests: list("memory", "1Gi", "hugepages-2Mi", "2Mi"), Limits: list("memory", "2Gi", "hugepages-2Mi", "2Mi")},
			v1.ResourceRequirements{Limits: list("hugepages-2Mi", "2Mi"), Requests: list("cpu", "2", "hugepages-2Mi", "2Mi", "memory", "1Gi")}},
	} {
		spec := &v1.PodSpec{Resources: &c.whole, Containers: []v1.Container{{Name: "c", Resources: c.container}}}
		setPodLevelResourceDefaults(spec)
		if !equality.Semantic.DeepEqual(*spec.Resources, c.want) {
			t.Errorf("%s: %v, want %v", c.name, spec.Resources, c.want)
		}
	}
}
