package podspec

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/apirules/core/resources"
)

// orDefault sets what is not set.
func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// orDefaultPointer sets a pointer that is nil.
func orDefaultPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// SetDefaults fills in what holds for pods and templates alike.
func SetDefaults(spec *v1.PodSpec) {
	orDefault(&spec.DNSPolicy, v1.DNSClusterFirst)
	orDefault(&spec.RestartPolicy, v1.RestartPolicyAlways)
	orDefault(&spec.SchedulerName, v1.DefaultSchedulerName)
	orDefaultPointer(&spec.TerminationGracePeriodSeconds, int64(v1.DefaultTerminationGracePeriodSeconds))
	orDefaultPointer(&spec.SecurityContext, v1.PodSecurityContext{})
	SyncServiceAccountName(spec)
	for _, c := range allContainers(spec) {
		setContainerDefaults(c)
	}
	for i := range spec.Volumes {
		setVolumeDefaults(&spec.Volumes[i])
	}
	resources.SetDefaults(spec.Overhead)
	if spec.Resources != nil {
		resources.SetDefaults(spec.Resources.Limits)
		resources.SetDefaults(spec.Resources.Requests)
	}
}

// SyncServiceAccountName keeps the old name of the field equal to the new one; both are always shown.
func SyncServiceAccountName(spec *v1.PodSpec) {
	orDefault(&spec.ServiceAccountName, spec.DeprecatedServiceAccount)
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
}

func setContainerDefaults(c *v1.Container) {
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = pullPolicyFor(c.Image)
	}
	orDefault(&c.TerminationMessagePath, v1.TerminationMessagePathDefault)
	orDefault(&c.TerminationMessagePolicy, v1.TerminationMessageReadFile)
	for i := range c.Ports {
		orDefault(&c.Ports[i].Protocol, v1.ProtocolTCP)
	}
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		if from == nil {
			continue
		}
		setFieldRefDefaults(from.FieldRef)
		if from.FileKeyRef != nil {
			orDefaultPointer(&from.FileKeyRef.Optional, false)
		}
	}
	resources.SetDefaults(c.Resources.Limits)
	resources.SetDefaults(c.Resources.Requests)
	for _, p := range []*v1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		setProbeDefaults(p)
	}
	if c.Lifecycle != nil {
		for _, h := range []*v1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				setHTTPGetDefaults(h.HTTPGet)
			}
		}
	}
}

func setProbeDefaults(p *v1.Probe) {
	if p == nil {
		return
	}
	orDefault(&p.TimeoutSeconds, 1)
	orDefault(&p.PeriodSeconds, 10)
	orDefault(&p.SuccessThreshold, 1)
	orDefault(&p.FailureThreshold, 3)
	setHTTPGetDefaults(p.HTTPGet)
	if p.GRPC != nil {
		orDefaultPointer(&p.GRPC.Service, "")
	}
}

func setHTTPGetDefaults(get *v1.HTTPGetAction) {
	if get == nil {
		return
	}
	orDefault(&get.Path, "/")
	orDefault(&get.Scheme, v1.URISchemeHTTP)
}

func setFieldRefDefaults(ref *v1.ObjectFieldSelector) {
	if ref != nil {
		orDefault(&ref.APIVersion, "v1")
	}
}

// SetTemplateDefaults is for the template of a workload.
func SetTemplateDefaults(template *v1.PodTemplateSpec) { SetDefaults(&template.Spec) }

// SetPodDefaults fills in what only a pod gets, not a template: requests from limits, links to services, ports of the host.
func SetPodDefaults(spec *v1.PodSpec) {
	for _, list := range [][]v1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			requestLimits(&list[i].Resources)
			if spec.HostNetwork {
				for j := range list[i].Ports {
					orDefault(&list[i].Ports[j].HostPort, list[i].Ports[j].ContainerPort)
				}
			}
		}
	}
	orDefaultPointer(&spec.EnableServiceLinks, v1.DefaultEnableServiceLinks)
	SetDefaults(spec)
	setPodLevelResourceDefaults(spec)
}

// requestLimits requests as much as is allowed, where only the limit is given.
func requestLimits(r *v1.ResourceRequirements) {
	for name, amount := range r.Limits {
		if _, given := r.Requests[name]; given {
			continue
		}
		if r.Requests == nil {
			r.Requests = v1.ResourceList{}
		}
		r.Requests[name] = amount.DeepCopy()
	}
}

// podMeta is a pod around a spec, for helpers that ask for a pod.
func podMeta(spec *v1.PodSpec) *v1.Pod { return &v1.Pod{ObjectMeta: metav1.ObjectMeta{}, Spec: *spec} }
