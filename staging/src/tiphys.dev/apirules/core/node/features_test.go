package node

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestDeclaredFeatures(t *testing.T) {
	for _, c := range []struct {
		name string
		list []string
		want []string
	}{
		{"sorted", []string{"Abc", "Abd/x"}, nil},
		{"doubled", []string{"Abc", "Abc"}, []string{"status.declaredFeatures[1]"}},
		{"unsorted", []string{"Abd", "Abc"}, []string{"status.declaredFeatures[1]"}},
		{"odd", []string{"abc"}, []string{"status.declaredFeatures[0]"}},
	} {
		var got []string
		for _, e := range validateDeclaredFeatures(c.list) {
			got = append(got, e.Field)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestConfigSourceIsDropped(t *testing.T) {
	had := &v1.Node{Spec: v1.NodeSpec{ConfigSource: &v1.NodeConfigSource{}}, Status: v1.NodeStatus{Config: &v1.NodeConfigStatus{}}}
	for _, c := range []struct {
		name string
		old  *v1.Node
		kept bool
	}{{"new", nil, false}, {"without", &v1.Node{}, false}, {"with", had, true}} {
		obj := had.DeepCopy()
		DropDisabled(obj, c.old)
		if (obj.Spec.ConfigSource != nil) != c.kept || (obj.Status.Config != nil) != c.kept {
			t.Errorf("%s: %v, %v", c.name, obj.Spec.ConfigSource, obj.Status.Config)
		}
	}
}
