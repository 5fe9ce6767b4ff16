package podspec

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// validateOS checks the operating system, and that nothing is asked that it does not have.
func validateOS(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	if spec.OS == nil {
		return nil
	}
	at := path.Child("os").Child("name")
	if spec.OS.Name == "" {
		return field.ErrorList{field.Required(at, "cannot be empty")}
	}
	errs := check.OneOf(path.Child("os"), spec.OS.Name, v1.Linux, v1.Windows)
	switch spec.OS.Name {
	case v1.Linux:
		errs = append(errs, refuseWindowsFields(spec, path)...)
	case v1.Windows:
		errs = append(errs, refuseLinuxFields(spec, path)...)
	}
	return errs
}

func refuseWindowsFields(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	const why = "windows options cannot be set for a linux pod"
	var errs field.ErrorList
	if spec.SecurityContext != nil && spec.SecurityContext.WindowsOptions != nil {
		errs = append(errs, field.Forbidden(path.Child("securityContext", "windowsOptions"), why))
	}
	eachContainer(spec, path, func(c *v1.Container, at *field.Path) {
		if c.SecurityContext != nil && c.SecurityContext.WindowsOptions != nil {
			errs = append(errs, field.Forbidden(at.Child("securityContext", "windowsOptions"), why))
		}
	})
	return errs
}

const notOnWindows = "cannot be set for a windows pod"

func refuseLinuxFields(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	errs := refuse(path, notOnWindows, map[string]bool{
		"hostPID": spec.HostPID, "hostIPC": spec.HostIPC, "hostUsers": spec.HostUsers != nil,
		"shareProcessNamespace": spec.ShareProcessNamespace != nil, "resources": spec.Resources != nil,
	})
	if s := spec.SecurityContext; s != nil {
		errs = append(errs, refuse(path.Child("securityContext"), notOnWindows, map[string]bool{
			"appArmorProfile": s.AppArmorProfile != nil, "seLinuxOptions": s.SELinuxOptions != nil, "seccompProfile": s.SeccompProfile != nil,
			"fsGroup": s.FSGroup != nil, "fsGroupChangePolicy": s.FSGroupChangePolicy != nil, "sysctls": len(s.Sysctls) > 0,
			"runAsUser": s.RunAsUser != nil, "runAsGroup": s.RunAsGroup != nil, "supplementalGroups": s.SupplementalGroups != nil,
			"supplementalGroupsPolicy": s.SupplementalGroupsPolicy != nil, "seLinuxChangePolicy": s.SELinuxChangePolicy != nil,
		})...)
	}
	eachContainer(spec, path, func(c *v1.Container, at *field.Path) {
		s := c.SecurityContext
		if s == nil {
			return
		}
		errs = append(errs, refuse(at.Child("securityContext"), notOnWindows, map[string]bool{
			"appArmorProfile": s.AppArmorProfile != nil, "seLinuxOptions": s.SELinuxOptions != nil, "seccompProfile": s.SeccompProfile != nil,
			"capabilities": s.Capabilities != nil, "readOnlyRootFilesystem": s.ReadOnlyRootFilesystem != nil, "privileged": s.Privileged != nil,
			"allowPrivilegeEscalation": s.AllowPrivilegeEscalation != nil, "procMount": s.ProcMount != nil,
			"runAsUser": s.RunAsUser != nil, "runAsGroup": s.RunAsGroup != nil,
		})...)
	})
	return errs
}

func eachContainer(spec *v1.PodSpec, path *field.Path, visit func(*v1.Container, *field.Path)) {
	for i := range spec.InitContainers {
		visit(&spec.InitContainers[i], path.Child("initContainers").Index(i))
	}
	for i := range spec.Containers {
		visit(&spec.Containers[i], path.Child("containers").Index(i))
	}
	for i := range spec.EphemeralContainers {
		visit((*v1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon), path.Child("ephemeralContainers").Index(i))
	}
}
