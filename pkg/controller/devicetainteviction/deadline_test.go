package devicetainteviction

import (
	"testing"
	"time"

	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDeadline(t *testing.T) {
	added := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := added.Add(time.Hour)
	slice := func(generation int64, effect resourcev1.DeviceTaintEffect) *resourcev1.ResourceSlice {
		s := &resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{Driver: "d", Pool: resourcev1.ResourcePool{Name: "p", Generation: generation}, Devices: []resourcev1.Device{{Name: "x"}}}}
		if effect != "" {
			s.Spec.Devices[0].Taints = []resourcev1.DeviceTaint{{Key: "broken", Effect: effect, TimeAdded: &metav1.Time{Time: added}}}
		}
		return s
	}
	seconds := func(n int64) *int64 { return &n }
	exists := resourcev1.DeviceToleration{Key: "broken", Operator: resourcev1.DeviceTolerationOpExists}
	timed := func(n int64) resourcev1.DeviceToleration {
		x := exists
		x.TolerationSeconds = seconds(n)
		return x
	}
	for _, tc := range []struct {
		name        string
		slices      []*resourcev1.ResourceSlice
		tolerations []resourcev1.DeviceToleration
		want        time.Duration // after the taint; -1: never
	}{
		{"no taint", []*resourcev1.ResourceSlice{slice(1, "")}, nil, -1},
		{"a taint for the scheduler only", []*resourcev1.ResourceSlice{slice(1, resourcev1.DeviceTaintEffectNoSchedule)}, nil, -1},
		{"a taint", []*resourcev1.ResourceSlice{slice(1, resourcev1.DeviceTaintEffectNoExecute)}, nil, 0},
		{"tolerated", []*resourcev1.ResourceSlice{slice(1, resourcev1.DeviceTaintEffectNoExecute)}, []resourcev1.DeviceToleration{exists}, -1},
		{"tolerated for a time", []*resourcev1.ResourceSlice{slice(1, resourcev1.DeviceTaintEffectNoExecute)}, []resourcev1.DeviceToleration{exists, timed(30)}, 30 * time.Second},
		{"an old generation says nothing", []*resourcev1.ResourceSlice{slice(1, resourcev1.DeviceTaintEffectNoExecute), slice(2, "")}, nil, -1},
	} {
		r := &resourcev1.ResourceClaim{Status: resourcev1.ResourceClaimStatus{Allocation: &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
			Results: []resourcev1.DeviceRequestAllocationResult{{Driver: "d", Pool: "p", Device: "x", Tolerations: tc.tolerations}}}}}}
		at, ends := deadline(r, taintsOf(tc.slices), now)
		if ends != (tc.want >= 0) || ends && at.Sub(added) != tc.want {
			t.Errorf("%s: %v %s, want %s", tc.name, ends, at.Sub(added), tc.want)
		}
	}
}
