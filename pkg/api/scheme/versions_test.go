package scheme

import (
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	resourcev1 "k8s.io/api/resource/v1"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/randfill"
)

// eachUnstable is for every kind of every unstable version.
func eachUnstable(t *testing.T, do func(t *testing.T, gvk schema.GroupVersionKind)) {
	for _, g := range Groups {
		for _, v := range g.Unstable {
			for _, kind := range v.Kinds {
				gvk := schema.GroupVersionKind{Group: g.Name, Version: v.Name, Kind: kind}
				t.Run(gvk.GroupVersion().String()+" "+kind, func(t *testing.T) { do(t, gvk) })
			}
		}
	}
}

func inMemory(gvk schema.GroupVersionKind) schema.GroupVersion {
	return schema.GroupVersion{Group: gvk.Group, Version: runtime.APIVersionInternal}
}

// The fixtures have a value in every field: none may be lost on the way to the hub and back.
func TestUnstableVersionsKeepEveryField(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Skipf("the go command cannot tell where k8s.io/api is: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD")
	eachUnstable(t, func(t *testing.T, gvk schema.GroupVersionKind) {
		data, err := os.ReadFile(filepath.Join(dir, gvk.Group+"."+gvk.Version+"."+gvk.Kind+".pb"))
		if err != nil {
			t.Fatal(err)
		}
		// Decoding without a target neither converts nor fills in.
		raw, _, err := Codecs.UniversalDeserializer().Decode(data, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		hub, err := runtime.Decode(Codecs.DecoderToVersion(Codecs.UniversalDeserializer(), inMemory(gvk)), data)
		if err != nil {
			t.Fatal(err)
		}
		if kinds, _, err := Scheme.ObjectKinds(hub); err != nil || len(kinds) != 2 {
			t.Fatalf("decoded as %v (%v)", kinds, err)
		}
		back, err := Scheme.ConvertToVersion(hub, gvk.GroupVersion())
		if err != nil {
			t.Fatal(err)
		}
		if !equality.Semantic.DeepEqual(back, raw) {
			t.Errorf("there and back:\n%+v\nwas\n%+v", back, raw)
		}
	})
}

// Whatever an object says, it says after the way to the hub and back, also which lists are empty and which are missing.
func TestUnstableVersionsThereAndBack(t *testing.T) {
	fill := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs), rand.NewSource(1), Codecs).NilChance(.3).NumElements(0, 3).Funcs(
		// What both shapes can say: nobody may ask for both, and a device always has its part.
		func(s *resourcev1beta1.DeviceRequest, c randfill.Continue) {
			c.FillNoCustom(s)
			if len(s.FirstAvailable) > 0 {
				*s = resourcev1beta1.DeviceRequest{Name: s.Name, FirstAvailable: s.FirstAvailable}
			}
		},
		func(d *resourcev1beta1.Device, c randfill.Continue) {
			c.FillNoCustom(d)
			if d.Basic == nil {
				d.Basic = &resourcev1beta1.BasicDevice{}
			}
		},
	)
	eachUnstable(t, func(t *testing.T, gvk schema.GroupVersionKind) {
		for range 100 {
			obj, err := Scheme.New(gvk)
			if err != nil {
				t.Fatal(err)
			}
			fill.Fill(obj)
			obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			want := obj.DeepCopyObject()
			hub, err := Scheme.ConvertToVersion(obj, inMemory(gvk))
			if err != nil {
				t.Fatal(err)
			}
			back, err := Scheme.ConvertToVersion(hub, gvk.GroupVersion())
			if err != nil {
				t.Fatal(err)
			}
			back.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			// Exactly, not only in meaning: an empty list of an apply is a list that somebody owns.
			if !reflect.DeepEqual(back, want) {
				t.Fatalf("there and back:\n%+v\nwas\n%+v", back, want)
			}
		}
	})
}

func TestUnstableVersionsOfLists(t *testing.T) {
	eachUnstable(t, func(t *testing.T, gvk schema.GroupVersionKind) {
		list := gvk.GroupVersion().WithKind(gvk.Kind + "List")
		hub, err := Scheme.New(inMemory(gvk).WithKind(list.Kind))
		if err != nil {
			t.Fatal(err)
		}
		items, err := Scheme.New(inMemory(gvk).WithKind(gvk.Kind))
		if err != nil {
			t.Fatal(err)
		}
		items.(metav1.Object).SetName("one")
		if err := meta.SetList(hub, []runtime.Object{items}); err != nil {
			t.Fatal(err)
		}
		hub.(metav1.ListInterface).SetResourceVersion("7")
		out, err := Scheme.ConvertToVersion(hub, list.GroupVersion())
		if err != nil {
			t.Fatal(err)
		}
		got, err := meta.ExtractList(out)
		if err != nil || len(got) != 1 || got[0].(metav1.Object).GetName() != "one" || out.(metav1.ListInterface).GetResourceVersion() != "7" {
			t.Errorf("%+v (%v)", out, err)
		}
		if kind := out.GetObjectKind().GroupVersionKind(); kind != list {
			t.Errorf("says that it is a %v", kind)
		}
	})
}

func TestDevicesOfBothShapes(t *testing.T) {
	mode := func(m string) resourcev1beta1.DeviceAllocationMode { return resourcev1beta1.DeviceAllocationMode(m) }
	for name, c := range map[string]struct {
		old resourcev1beta1.DeviceRequest
		hub resourcev1.DeviceRequest
	}{
		"exactly":   {resourcev1beta1.DeviceRequest{Name: "r", DeviceClassName: "c", Count: 2, AllocationMode: mode("ExactCount")}, resourcev1.DeviceRequest{Name: "r", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "c", Count: 2, AllocationMode: "ExactCount"}}},
		"available": {resourcev1beta1.DeviceRequest{Name: "r", FirstAvailable: []resourcev1beta1.DeviceSubRequest{{Name: "s", DeviceClassName: "c"}}}, resourcev1.DeviceRequest{Name: "r", FirstAvailable: []resourcev1.DeviceSubRequest{{Name: "s", DeviceClassName: "c"}}}},
		"neither":   {resourcev1beta1.DeviceRequest{Name: "r"}, resourcev1.DeviceRequest{Name: "r"}},
		"no list":   {resourcev1beta1.DeviceRequest{Name: "r", Selectors: []resourcev1beta1.DeviceSelector{}}, resourcev1.DeviceRequest{Name: "r", Exactly: &resourcev1.ExactDeviceRequest{Selectors: []resourcev1.DeviceSelector{}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var hub resourcev1.DeviceRequest
			var old resourcev1beta1.DeviceRequest
			if err := versions.Copy(&hub, &c.old); err != nil || !reflect.DeepEqual(hub, c.hub) {
				t.Errorf("as v1: %+v (%v)", hub, err)
			}
			if err := versions.Copy(&old, &c.hub); err != nil || !reflect.DeepEqual(old, c.old) {
				t.Errorf("as v1beta1: %+v (%v)", old, err)
			}
		})
	}
}

func TestUnstableDefaults(t *testing.T) {
	claim := &resourcev1beta1.ResourceClaim{}
	claim.Spec.Devices.Requests = []resourcev1beta1.DeviceRequest{
		{Name: "bare"}, {Name: "all", AllocationMode: resourcev1beta1.DeviceAllocationModeAll},
		{Name: "first", FirstAvailable: []resourcev1beta1.DeviceSubRequest{{Name: "s"}}}, {Name: "class", DeviceClassName: "c"},
	}
	Scheme.Default(claim)
	r := claim.Spec.Devices.Requests
	if r[0].AllocationMode != "" || r[0].Count != 0 {
		t.Errorf("a request that says nothing: %+v", r[0])
	}
	if r[3].AllocationMode != resourcev1beta1.DeviceAllocationModeExactCount || r[3].Count != 1 {
		t.Errorf("a request of a class: %+v", r[3])
	}
	if r[1].Count != 0 {
		t.Errorf("a request for all: %+v", r[1])
	}
	if r[2].AllocationMode != "" || r[2].FirstAvailable[0].AllocationMode != resourcev1beta1.DeviceAllocationModeExactCount || r[2].FirstAvailable[0].Count != 1 {
		t.Errorf("a request of others: %+v", r[2])
	}
	level, err := Scheme.New(schema.GroupVersionKind{Group: flowcontrolv1.GroupName, Version: "v1beta3", Kind: "PriorityLevelConfiguration"})
	if err != nil {
		t.Fatal(err)
	}
	Scheme.Default(level)
	Scheme.Default(&networkingv1beta1.ServiceCIDR{})
}

func BenchmarkVersion(b *testing.B) {
	in := &networkingv1.ServiceCIDR{Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.0.0.0/24"}}}
	in.Name = "one"
	b.ReportAllocs()
	for b.Loop() {
		var out networkingv1beta1.ServiceCIDR
		if err := versions.Copy(&out, in); err != nil {
			b.Fatal(err)
		}
	}
}
