package registry

import (
	"maps"
	"slices"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
)

// some is a storage that tells whether it was ended.
type some struct {
	object runtime.Object
	ended  *bool
}

func (s some) New() runtime.Object { return s.object.DeepCopyObject() }
func (s some) Destroy()            { *s.ended = true }

// scaled is one whose kind is of another group.
type scaled struct{ some }

func (scaled) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return autoscalingv1.SchemeGroupVersion.WithKind("Scale")
}

func TestDropLater(t *testing.T) {
	for _, tc := range []struct{ release, group, want string }{
		{"1.36", "storage.k8s.io", "storageclasses storageclasses/scale volumeattributesclasses"},
		{"1.34", "storage.k8s.io", "storageclasses storageclasses/scale volumeattributesclasses"},
		{"1.33", "storage.k8s.io", "storageclasses storageclasses/scale"},
		{"1.34", "resource.k8s.io", "resourceclaims resourceclaims/status"},
		{"1.33", "resource.k8s.io", ""},
	} {
		e, err := genericapiserver.NewResourceExpirationEvaluator(version.MustParse(tc.release))
		if err != nil {
			t.Fatal(err)
		}
		var ended bool
		all := map[string]rest.Storage{
			"storageclasses": some{&storagev1.StorageClass{}, &ended}, "volumeattributesclasses": some{&storagev1.VolumeAttributesClass{}, &ended},
			"storageclasses/scale": scaled{some{&autoscalingv1.Scale{}, &ended}},
		}
		if tc.group == "resource.k8s.io" {
			all = map[string]rest.Storage{"resourceclaims": some{&resourcev1.ResourceClaim{}, &ended}, "resourceclaims/status": some{&resourcev1.ResourceClaim{}, &ended}}
		}
		c := &Config{Lifecycle: e, Enabled: serverstorage.NewResourceConfig()}
		versions, err := c.dropLater([]served{{schema.GroupVersion{Group: tc.group, Version: "v1"}, all}})
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, v := range versions {
			left = slices.AppendSeq(left, maps.Keys(v.storage))
		}
		slices.Sort(left)
		if got := strings.Join(left, " "); got != tc.want {
			t.Errorf("%s in %s: %q is left, want %q", tc.group, tc.release, got, tc.want)
		}
		if ended {
			t.Errorf("%s in %s: the storage was ended, and the server reads it", tc.group, tc.release)
		}
	}
}
