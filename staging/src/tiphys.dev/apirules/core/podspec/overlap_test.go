package podspec

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestOverlappingFiles(t *testing.T) {
	items := func(files ...string) (out []v1.KeyToPath) {
		for _, f := range files {
			out = append(out, v1.KeyToPath{Key: "k", Path: f})
		}
		return out
	}
	maps := func(name string, files ...string) v1.VolumeProjection {
		return v1.VolumeProjection{ConfigMap: &v1.ConfigMapProjection{LocalObjectReference: v1.LocalObjectReference{Name: name}, Items: items(files...)}}
	}
	token := v1.VolumeProjection{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "a"}}
	projected := func(list ...v1.VolumeProjection) v1.VolumeSource {
		return v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: list}}
	}
	for _, c := range []struct {
		name   string
		source v1.VolumeSource
		want   []string
	}{
		{"apart", v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "s", Items: items("a", "ab")}}, nil},
		{"the same", v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "s", Items: items("a", "a")}},
			[]string{`volume "v" (Secret "s"): overlapping paths: "a" with "a"`}},
		{"file and folder", v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "s", Items: items("a/b", "a", "a/b/c")}},
			[]string{`volume "v" (Secret "s"): overlapping paths: "a" with "a/b"`, `volume "v" (Secret "s"): overlapping paths: "a/b/c" with "a/b"`,
				`volume "v" (Secret "s"): overlapping paths: "a/b/c" with "a"`}},
		{"two sources", projected(maps("m", "a"), token), []string{`volume "v" (Projected): overlapping paths: "a" (ServiceAccountToken) with "a" (ConfigMap "m")`}},
		{"no source", projected(v1.VolumeProjection{}), []string{`volume "v" (Projected) has no sources provided`}},
	} {
		spec := &v1.PodSpec{Volumes: []v1.Volume{{Name: "v", VolumeSource: c.source}}}
		if got := Warnings(spec, nil, field.NewPath("spec"), field.NewPath("metadata")); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
