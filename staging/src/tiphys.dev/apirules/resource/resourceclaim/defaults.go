package resourceclaim

import v1 "k8s.io/api/resource/v1"

// SetDefaults asks for one device where no number is given.
func SetDefaults(obj *v1.ResourceClaim) {
	SetSpecDefaults(&obj.Spec)
	if obj.Status.Allocation != nil {
		for i := range obj.Status.Allocation.Devices.Results {
			setTolerationDefaults(obj.Status.Allocation.Devices.Results[i].Tolerations)
		}
	}
}

// SetSpecDefaults is for claims in templates.
func SetSpecDefaults(spec *v1.ResourceClaimSpec) {
	for i := range spec.Devices.Requests {
		r := &spec.Devices.Requests[i]
		if r.Exactly != nil {
			setCount(&r.Exactly.AllocationMode, &r.Exactly.Count)
			setTolerationDefaults(r.Exactly.Tolerations)
		}
		for j := range r.FirstAvailable {
			setCount(&r.FirstAvailable[j].AllocationMode, &r.FirstAvailable[j].Count)
			setTolerationDefaults(r.FirstAvailable[j].Tolerations)
		}
	}
}

func setCount(mode *v1.DeviceAllocationMode, count *int64) {
	if *mode == "" {
		*mode = v1.DeviceAllocationModeExactCount
	}
	if *mode == v1.DeviceAllocationModeExactCount && *count == 0 {
		*count = 1
	}
}

func setTolerationDefaults(list []v1.DeviceToleration) {
	for i := range list {
		if list[i].Operator == "" {
			list[i].Operator = v1.DeviceTolerationOpEqual
		}
	}
}
