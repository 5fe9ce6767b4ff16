package podspec

import v1 "k8s.io/api/core/v1"

// DropDisabled removes the fields whose feature gates are off in this release (ContainerStopSignals, GenericWorkload,
// ClusterTrustBundleProjection, PodCertificateRequest). What the stored object has already stays: then old uses the
// feature, and so may the new one. Old is nil for a new object.
func DropDisabled(spec, old *v1.PodSpec) {
	if spec == nil {
		return
	}
	if old == nil {
		old = &v1.PodSpec{}
	}
	if !stopSignalUsed(old) {
		eachLifecycle(spec, func(l **v1.Lifecycle) {
			if (*l).StopSignal == nil {
				return
			}
			(*l).StopSignal = nil
			if **l == (v1.Lifecycle{}) {
				*l = nil
			}
		})
	}
	if old.SchedulingGroup == nil {
		spec.SchedulingGroup = nil
	}
	if !projects(old, func(p *v1.VolumeProjection) bool { return p.ClusterTrustBundle != nil }) {
		projects(spec, func(p *v1.VolumeProjection) bool { p.ClusterTrustBundle = nil; return false })
	}
	if !projects(old, func(p *v1.VolumeProjection) bool { return p.PodCertificate != nil }) {
		projects(spec, func(p *v1.VolumeProjection) bool { p.PodCertificate = nil; return false })
	}
}

// Dropper is DropDisabled for a kind that has the spec of a pod at some place.
func Dropper[T comparable](spec func(T) *v1.PodSpec) func(obj, old T) {
	return func(obj, old T) {
		var none T
		if old == none {
			DropDisabled(spec(obj), nil)
			return
		}
		DropDisabled(spec(obj), spec(old))
	}
}

func stopSignalUsed(spec *v1.PodSpec) bool {
	used := false
	eachLifecycle(spec, func(l **v1.Lifecycle) { used = used || (*l).StopSignal != nil })
	return used
}

func eachLifecycle(spec *v1.PodSpec, visit func(**v1.Lifecycle)) {
	one := func(l **v1.Lifecycle) {
		if *l != nil {
			visit(l)
		}
	}
	for i := range spec.InitContainers {
		one(&spec.InitContainers[i].Lifecycle)
	}
	for i := range spec.Containers {
		one(&spec.Containers[i].Lifecycle)
	}
	for i := range spec.EphemeralContainers {
		one(&spec.EphemeralContainers[i].Lifecycle)
	}
}

// projects tells whether some source of a projected volume is as asked; it stops there.
func projects(spec *v1.PodSpec, is func(*v1.VolumeProjection) bool) bool {
	for i := range spec.Volumes {
		p := spec.Volumes[i].Projected
		if p == nil {
			continue
		}
		for j := range p.Sources {
			if is(&p.Sources[j]) {
				return true
			}
		}
	}
	return false
}
