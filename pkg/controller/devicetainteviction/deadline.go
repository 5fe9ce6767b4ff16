package devicetainteviction

import (
	"time"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// device names one device of the cluster.
type device struct{ driver, pool, name string }

// deadline is when users of the claim must go; false: never.
func deadline(r *resourcev1.ResourceClaim, taints func(device) []resourcev1.DeviceTaint, now time.Time) (time.Time, bool) {
	if r.Status.Allocation == nil {
		return time.Time{}, false
	}
	var first time.Time
	found := false
	for _, result := range r.Status.Allocation.Devices.Results {
		for _, t := range taints(device{result.Driver, result.Pool, result.Device}) {
			if t.Effect != resourcev1.DeviceTaintEffectNoExecute {
				continue
			}
			at, ends := tolerated(t, result.Tolerations, now)
			if ends && (!found || at.Before(first)) {
				first, found = at, true
			}
		}
	}
	return first, found
}

// tolerated is until when the taint is borne; false: for ever. The shortest of several matching tolerations counts.
func tolerated(t resourcev1.DeviceTaint, tolerations []resourcev1.DeviceToleration, now time.Time) (time.Time, bool) {
	added := now
	if t.TimeAdded != nil {
		added = t.TimeAdded.Time
	}
	matched, limited := false, false
	var shortest int64
	for _, tol := range tolerations {
		if !resourceclaim.ToleratesTaint(tol, t) {
			continue
		}
		matched = true
		if s := tol.TolerationSeconds; s != nil && (!limited || *s < shortest) {
			shortest, limited = *s, true
		}
	}
	switch {
	case !matched:
		return added, true
	case limited:
		return added.Add(time.Duration(max(0, shortest)) * time.Second), true
	}
	return time.Time{}, false
}

// taintsOf collects the taints of devices from the slices of the newest generation of each pool.
func taintsOf(slices []*resourcev1.ResourceSlice) func(device) []resourcev1.DeviceTaint {
	type pool struct{ driver, name string }
	newest := map[pool]int64{}
	for _, s := range slices {
		p := pool{s.Spec.Driver, s.Spec.Pool.Name}
		newest[p] = max(newest[p], s.Spec.Pool.Generation)
	}
	taints := map[device][]resourcev1.DeviceTaint{}
	for _, s := range slices {
		if s.Spec.Pool.Generation < newest[pool{s.Spec.Driver, s.Spec.Pool.Name}] {
			continue
		}
		for _, d := range s.Spec.Devices {
			if len(d.Taints) > 0 {
				taints[device{s.Spec.Driver, s.Spec.Pool.Name, d.Name}] = d.Taints
			}
		}
	}
	return func(d device) []resourcev1.DeviceTaint { return taints[d] }
}
