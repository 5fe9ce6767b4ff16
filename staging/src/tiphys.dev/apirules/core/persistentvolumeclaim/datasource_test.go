package persistentvolumeclaim

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func reference(group, kind, namespace string) *v1.TypedObjectReference {
	r := &v1.TypedObjectReference{APIGroup: &group, Kind: kind, Name: "n"}
	if namespace != "" {
		r.Namespace = &namespace
	}
	return r
}

func local(group, kind string) *v1.TypedLocalObjectReference {
	return &v1.TypedLocalObjectReference{APIGroup: &group, Kind: kind, Name: "n"}
}

func TestDropDataSources(t *testing.T) {
	const snapshots = "snapshot.storage.k8s.io"
	for _, c := range []struct {
		name        string
		spec        v1.PersistentVolumeClaimSpec
		old         *v1.PersistentVolumeClaimSpec
		source, ref bool
	}{
		{"snapshot", v1.PersistentVolumeClaimSpec{DataSource: local(snapshots, "VolumeSnapshot")}, nil, true, true},
		{"claim", v1.PersistentVolumeClaimSpec{DataSource: local("", "PersistentVolumeClaim")}, nil, true, true},
		{"anything else in the old field", v1.PersistentVolumeClaimSpec{DataSource: local("a.b", "K")}, nil, false, false},
		{"anything else in the new field", v1.PersistentVolumeClaimSpec{DataSourceRef: reference("a.b", "K", "")}, nil, true, true},
		{"other namespace", v1.PersistentVolumeClaimSpec{DataSourceRef: reference("a.b", "K", "x")}, nil, false, false},
		{"other namespace, and a claim", v1.PersistentVolumeClaimSpec{DataSource: local("", "PersistentVolumeClaim"), DataSourceRef: reference("", "PersistentVolumeClaim", "x")}, nil, true, true},
		{"had one", v1.PersistentVolumeClaimSpec{DataSource: local("a.b", "K")}, &v1.PersistentVolumeClaimSpec{DataSource: local("a.b", "K")}, true, true},
	} {
		DropDataSources(&c.spec, c.old)
		NormalizeDataSources(&c.spec)
		if (c.spec.DataSource != nil) != c.source || (c.spec.DataSourceRef != nil) != c.ref {
			t.Errorf("%s: %v, %v", c.name, c.spec.DataSource, c.spec.DataSourceRef)
		}
		if crosses(&c.spec) {
			t.Errorf("%s: still in another namespace", c.name)
		}
	}
}

// The copy of a source is the server's doing: a default would make the client its owner.
func TestDefaultsLeaveSources(t *testing.T) {
	claim := &v1.PersistentVolumeClaim{Spec: v1.PersistentVolumeClaimSpec{DataSource: local("", "PersistentVolumeClaim")}}
	SetDefaults(claim)
	if claim.Spec.DataSourceRef != nil {
		t.Error("the default copies the source")
	}
}

func TestUpdates(t *testing.T) {
	mode, block, class := v1.PersistentVolumeFilesystem, v1.PersistentVolumeBlock, "x"
	old := &v1.PersistentVolumeClaim{Spec: v1.PersistentVolumeClaimSpec{
		AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce}, VolumeMode: &mode,
		Resources: v1.VolumeResourceRequirements{Requests: v1.ResourceList{v1.ResourceStorage: resource.MustParse("1Gi")}}}}
	old.Name, old.Namespace, old.ResourceVersion = "c", "n", "1"
	bound := old.DeepCopy()
	bound.Status.Phase = v1.ClaimBound
	bound.Spec.VolumeAttributesClassName = &class
	applied := bound.DeepCopy()
	applied.Status.CurrentVolumeAttributesClassName = &class
	for _, c := range []struct {
		name   string
		old    *v1.PersistentVolumeClaim
		change func(*v1.PersistentVolumeClaim)
		want   []string
	}{
		{"class of an unbound claim", old, func(c *v1.PersistentVolumeClaim) { c.Spec.VolumeAttributesClassName = &class }, []string{"spec"}},
		{"class never applied is taken back", bound, func(c *v1.PersistentVolumeClaim) { c.Spec.VolumeAttributesClassName = nil }, nil},
		{"class applied is taken back", applied, func(c *v1.PersistentVolumeClaim) { c.Spec.VolumeAttributesClassName = nil }, []string{"spec.volumeAttributesClassName"}},
		{"mode", old, func(c *v1.PersistentVolumeClaim) { c.Spec.VolumeMode = &block }, []string{"spec", "volumeMode"}},
		{"nothing asked for", old, func(c *v1.PersistentVolumeClaim) { c.Spec.Resources.Requests = nil },
			[]string{"spec", "spec.resources.requests.storage", "spec.resources[storage]"}},
	} {
		obj := c.old.DeepCopy()
		c.change(obj)
		var got []string
		for _, e := range ValidateUpdate(obj, c.old) {
			got = append(got, e.Field)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
