package podspec

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// containerContext is what the rules of one container need to know of the pod around it.
type containerContext struct {
	spec    *v1.PodSpec
	volumes map[string]v1.VolumeSource
	claims  sets.Set[string]
	opts    Options
}

func (ctx *containerContext) hostUsers() bool {
	return ctx.spec.HostUsers == nil || *ctx.spec.HostUsers
}

func (ctx *containerContext) validateContainers(path *field.Path) field.ErrorList {
	containers := ctx.spec.Containers
	if len(containers) == 0 {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	names := sets.New[string]()
	for i := range containers {
		c, at := &containers[i], path.Index(i)
		errs = append(errs, ctx.validateCommon(c, at)...)
		if names.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		names.Insert(c.Name)
		errs = append(errs, validateLifecycle(c.Lifecycle, ctx.spec.TerminationGracePeriodSeconds, ctx.spec.OS, at.Child("lifecycle"))...)
		errs = append(errs, validateLivenessOrStartup(c.LivenessProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("livenessProbe"))...)
		errs = append(errs, validateReadiness(c.ReadinessProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("readinessProbe"))...)
		errs = append(errs, validateLivenessOrStartup(c.StartupProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("startupProbe"))...)
		errs = append(errs, validateRestart(c, at)...)
	}
	return append(errs, validateHostPorts(containers, path)...)
}

func (ctx *containerContext) validateInitContainers(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for i := range ctx.spec.Containers {
		names.Insert(ctx.spec.Containers[i].Name)
	}
	for i := range ctx.spec.InitContainers {
		c, at := &ctx.spec.InitContainers[i], path.Index(i)
		errs = append(errs, ctx.validateCommon(c, at)...)
		if names.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		} else if c.Name != "" {
			names.Insert(c.Name)
		}
		// Ports of init containers are checked one container at a time: they do not run together.
		errs = append(errs, validateHostPorts(ctx.spec.InitContainers[i:i+1], at)...)
		errs = append(errs, validateRestart(c, at)...)
		if sidecar(c) {
			errs = append(errs, validateLifecycle(c.Lifecycle, ctx.spec.TerminationGracePeriodSeconds, ctx.spec.OS, at.Child("lifecycle"))...)
			errs = append(errs, validateLivenessOrStartup(c.LivenessProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("livenessProbe"))...)
			errs = append(errs, validateReadiness(c.ReadinessProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("readinessProbe"))...)
			errs = append(errs, validateLivenessOrStartup(c.StartupProbe, ctx.spec.TerminationGracePeriodSeconds, at.Child("startupProbe"))...)
			continue
		}
		errs = append(errs, refuse(at, "may not be set for init containers without restartPolicy=Always", map[string]bool{
			"lifecycle": c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil), "livenessProbe": c.LivenessProbe != nil,
			"readinessProbe": c.ReadinessProbe != nil, "startupProbe": c.StartupProbe != nil,
		})...)
		if c.Lifecycle != nil && c.Lifecycle.StopSignal != nil {
			errs = append(errs, validateStopSignal(*c.Lifecycle.StopSignal, ctx.spec.OS, at.Child("lifecycle", "stopSignal"))...)
		}
	}
	return errs
}

// sidecar says whether an init container runs as long as the pod.
func sidecar(c *v1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
}

func refuse(path *field.Path, why string, set map[string]bool) field.ErrorList {
	var errs field.ErrorList
	for _, child := range sets.List(sets.KeySet(set)) {
		if set[child] {
			errs = append(errs, field.Forbidden(path.Child(child), why))
		}
	}
	return errs
}

func (ctx *containerContext) validateEphemeralContainers(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names, targets := sets.New[string](), sets.New[string]()
	for _, list := range [][]v1.Container{ctx.spec.Containers, ctx.spec.InitContainers} {
		for i := range list {
			names.Insert(list[i].Name)
			targets.Insert(list[i].Name)
		}
	}
	for i := range ctx.spec.EphemeralContainers {
		e, at := &ctx.spec.EphemeralContainers[i], path.Index(i)
		c := (*v1.Container)(&e.EphemeralContainerCommon)
		errs = append(errs, ctx.validateCommon(c, at)...)
		if names.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		names.Insert(c.Name)
		if e.TargetContainerName != "" && !targets.Has(e.TargetContainerName) {
			errs = append(errs, field.NotFound(at.Child("targetContainerName"), e.TargetContainerName))
		}
		errs = append(errs, refuse(at, "cannot be set for an Ephemeral Container", map[string]bool{
			"lifecycle": c.Lifecycle != nil, "livenessProbe": c.LivenessProbe != nil, "readinessProbe": c.ReadinessProbe != nil,
			"startupProbe": c.StartupProbe != nil, "ports": c.Ports != nil, "restartPolicy": c.RestartPolicy != nil, "restartPolicyRules": len(c.RestartPolicyRules) > 0,
			"resources": len(c.Resources.Limits)+len(c.Resources.Requests)+len(c.Resources.Claims) > 0, "resizePolicy": len(c.ResizePolicy) > 0,
		})...)
		for j, m := range c.VolumeMounts {
			if m.SubPath != "" {
				errs = append(errs, field.Forbidden(at.Child("volumeMounts").Index(j).Child("subPath"), "cannot be set for an Ephemeral Container"))
			}
			if m.SubPathExpr != "" {
				errs = append(errs, field.Forbidden(at.Child("volumeMounts").Index(j).Child("subPathExpr"), "cannot be set for an Ephemeral Container"))
			}
		}
	}
	return errs
}

// validateCommon checks what containers of every sort have.
func (ctx *containerContext) validateCommon(c *v1.Container, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if c.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	} else {
		errs = append(errs, check.DNSLabel(path.Child("name"), c.Name)...)
	}
	switch {
	case c.Image == "":
		errs = append(errs, field.Required(path.Child("image"), ""))
	case strings.TrimSpace(c.Image) != c.Image:
		errs = append(errs, field.Invalid(path.Child("image"), c.Image, "must not have leading or trailing whitespace"))
	}
	errs = append(errs, check.RequiredOneOf(path.Child("terminationMessagePolicy"), c.TerminationMessagePolicy, v1.TerminationMessageReadFile, v1.TerminationMessageFallbackToLogsOnError)...)
	errs = append(errs, validatePorts(c.Ports, path.Child("ports"))...)
	errs = append(errs, validateEnv(c.Env, path.Child("env"), ctx)...)
	errs = append(errs, validateEnvFrom(c.EnvFrom, path.Child("envFrom"))...)
	errs = append(errs, ctx.validateMounts(c, path)...)
	errs = append(errs, ctx.validateDevices(c, path.Child("volumeDevices"))...)
	errs = append(errs, check.RequiredOneOf(path.Child("imagePullPolicy"), c.ImagePullPolicy, v1.PullAlways, v1.PullIfNotPresent, v1.PullNever)...)
	errs = append(errs, ValidateRequirements(&c.Resources, ctx.claims, path.Child("resources"), ctx.opts)...)
	errs = append(errs, ctx.validateResizePolicy(c, path.Child("resizePolicy"))...)
	return append(errs, validateContainerSecurity(c.SecurityContext, ctx.hostUsers(), path.Child("securityContext"))...)
}

func validatePorts(ports []v1.ContainerPort, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for i, p := range ports {
		at := path.Index(i)
		if p.Name != "" {
			if m := validation.IsValidPortName(p.Name); len(m) > 0 {
				errs = append(errs, check.Messages(at.Child("name"), p.Name, m)...)
			} else if names.Has(p.Name) {
				errs = append(errs, field.Duplicate(at.Child("name"), p.Name))
			} else {
				names.Insert(p.Name)
			}
		}
		if p.ContainerPort == 0 {
			errs = append(errs, field.Required(at.Child("containerPort"), ""))
		} else {
			errs = append(errs, check.Port(at.Child("containerPort"), p.ContainerPort)...)
		}
		if p.HostPort != 0 {
			errs = append(errs, check.Port(at.Child("hostPort"), p.HostPort)...)
		}
		errs = append(errs, check.RequiredOneOf(at.Child("protocol"), p.Protocol, v1.ProtocolSCTP, v1.ProtocolTCP, v1.ProtocolUDP)...)
	}
	return errs
}

// validateHostPorts wants no port of the host taken twice.
func validateHostPorts(containers []v1.Container, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	taken := sets.New[string]()
	for i := range containers {
		for j, p := range containers[i].Ports {
			if p.HostPort == 0 {
				continue
			}
			key := fmt.Sprintf("%s/%s/%d", p.Protocol, p.HostIP, p.HostPort)
			if taken.Has(key) {
				errs = append(errs, field.Duplicate(path.Index(i).Child("ports").Index(j).Child("hostPort"), key))
			}
			taken.Insert(key)
		}
	}
	return errs
}

func (ctx *containerContext) validateResizePolicy(c *v1.Container, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[v1.ResourceName]()
	for i, p := range c.ResizePolicy {
		if seen.Has(p.ResourceName) {
			errs = append(errs, field.Duplicate(path.Index(i), p.ResourceName))
		}
		seen.Insert(p.ResourceName)
		if p.ResourceName == "" {
			errs = append(errs, field.Required(path, ""))
		} else {
			errs = append(errs, check.OneOf(path, p.ResourceName, v1.ResourceCPU, v1.ResourceMemory)...)
		}
		if p.RestartPolicy == "" {
			errs = append(errs, field.Required(path, ""))
		} else {
			errs = append(errs, check.OneOf(path, p.RestartPolicy, v1.NotRequired, v1.RestartContainer)...)
		}
		if ctx.spec.RestartPolicy == v1.RestartPolicyNever && p.RestartPolicy != v1.NotRequired && !sidecar(c) {
			errs = append(errs, field.Invalid(path, p.RestartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
		}
	}
	return errs
}
