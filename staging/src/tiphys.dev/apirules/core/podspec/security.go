package podspec

import (
	"regexp"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// ValidateSecurityContext checks the pod's security context together with its use of the host's namespaces. path is the spec's.
func ValidateSecurityContext(spec *v1.PodSpec, path *field.Path, opts Options) field.ErrorList {
	errs := validateHostNamespaces(spec, path)
	errs = append(errs, validateWindowsHostProcess(spec, path)...)
	s := spec.SecurityContext
	if s == nil {
		return errs
	}
	at := path.Child("securityContext")
	errs = append(errs, validateUser(s.RunAsUser, at.Child("runAsUser"))...)
	errs = append(errs, validateGroup(s.RunAsGroup, at.Child("runAsGroup"))...)
	errs = append(errs, validateGroup(s.FSGroup, at.Child("fsGroup"))...)
	for i := range s.SupplementalGroups {
		errs = append(errs, validateGroup(&s.SupplementalGroups[i], at.Child("supplementalGroups").Index(i))...)
	}
	if s.FSGroupChangePolicy != nil {
		errs = append(errs, check.OneOf(at.Child("fsGroupChangePolicy"), *s.FSGroupChangePolicy, v1.FSGroupChangeAlways, v1.FSGroupChangeOnRootMismatch)...)
	}
	if s.SupplementalGroupsPolicy != nil {
		errs = append(errs, check.OneOf(at.Child("supplementalGroupsPolicy"), *s.SupplementalGroupsPolicy, v1.SupplementalGroupsPolicyMerge, v1.SupplementalGroupsPolicyStrict)...)
	}
	if s.SELinuxChangePolicy != nil {
		errs = append(errs, check.OneOf(at.Child("seLinuxChangePolicy"), *s.SELinuxChangePolicy, v1.SELinuxChangePolicyRecursive, v1.SELinuxChangePolicyMountOption)...)
	}
	errs = append(errs, validateSysctls(spec, at.Child("sysctls"), opts)...)
	errs = append(errs, validateSeccomp(s.SeccompProfile, at.Child("seccompProfile"))...)
	errs = append(errs, validateAppArmor(s.AppArmorProfile, at.Child("appArmorProfile"))...)
	return append(errs, validateWindowsOptions(s.WindowsOptions, at.Child("windowsOptions"))...)
}

func validateUser(id *int64, path *field.Path) field.ErrorList {
	if id == nil {
		return nil
	}
	return check.Messages(path, *id, validation.IsValidUserID(*id))
}

func validateGroup(id *int64, path *field.Path) field.ErrorList {
	if id == nil {
		return nil
	}
	return check.Messages(path, *id, validation.IsValidGroupID(*id))
}

func isTrue(b *bool) bool { return b != nil && *b }

// validateHostNamespaces: a pod with users of its own cannot also live in other namespaces of the host, and host ports
// of a pod on the host's network are the container's ports.
func validateHostNamespaces(spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.HostNetwork {
		// Of init containers, which end before the others start, the server does not ask it.
		for i, c := range spec.Containers {
			for j, p := range c.Ports {
				if p.HostPort != p.ContainerPort && p.HostPort != 0 {
					errs = append(errs, field.Invalid(path.Child("containers").Index(i).Child("ports").Index(j).Child("hostPort"), p.HostPort,
						"must match `containerPort` when `hostNetwork` is true"))
				}
			}
		}
	}
	if isTrue(spec.ShareProcessNamespace) && spec.HostPID {
		errs = append(errs, field.Invalid(path.Child("securityContext", "shareProcessNamespace"), *spec.ShareProcessNamespace, "ShareProcessNamespace and HostPID cannot both be enabled"))
	}
	if spec.HostUsers != nil && !*spec.HostUsers {
		for _, n := range []struct {
			child string
			used  bool
		}{{"hostNetwork", spec.HostNetwork}, {"hostPID", spec.HostPID}, {"hostIPC", spec.HostIPC}} {
			if n.used {
				errs = append(errs, field.Forbidden(path.Child(n.child), "when `hostUsers` is false"))
			}
		}
		for _, v := range allContainers(spec) {
			if len(v.VolumeDevices) > 0 {
				errs = append(errs, field.Forbidden(path.Child("hostUsers"), "when `pod.Spec.HostUsers` is false, containers may not use volumeDevices"))
				break
			}
		}
	}
	return errs
}

var (
	sysctlName    = regexp.MustCompile(`^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([\./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$`)
	ipcSysctls    = []string{"kernel.shm", "kernel.msg", "fs.mqueue."}
	networkSysctl = "net."
)

const (
	longestSysctl = 253
	sysctlForm    = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
)

func validateSysctls(spec *v1.PodSpec, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, s := range spec.SecurityContext.Sysctls {
		at := path.Index(i)
		name := dotted(s.Name)
		switch {
		case s.Name == "":
			errs = append(errs, field.Required(at.Child("name"), ""))
		case len(s.Name) > longestSysctl || !sysctlName.MatchString(s.Name):
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, sysctlForm))
		case seen.Has(name):
			errs = append(errs, field.Duplicate(at.Child("name"), s.Name))
		}
		seen.Insert(name)
		if opts.AllowHostNamespaceSysctls {
			continue
		}
		ipc := name == "kernel.sem" || hasAnyPrefix(name, ipcSysctls)
		if spec.HostNetwork && strings.HasPrefix(name, networkSysctl) {
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, "may not be specified when 'hostNetwork' is true"))
		}
		if spec.HostIPC && ipc {
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, "may not be specified when 'hostIPC' is true"))
		}
	}
	return errs
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// dotted writes a sysctl name with dots between its parts. Where the first separator is a slash, dots are part of names.
func dotted(name string) string {
	i := strings.IndexAny(name, "./")
	if i < 0 || name[i] == '.' {
		return name
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(name)
}

func validateSeccomp(p *v1.SeccompProfile, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	if p.Type == "" {
		return append(field.ErrorList{field.Required(path.Child("type"), "type is required when seccompProfile is set")}, localhost(p, path)...)
	}
	errs := localhost(p, path)
	switch p.Type {
	case v1.SeccompProfileTypeLocalhost, v1.SeccompProfileTypeRuntimeDefault, v1.SeccompProfileTypeUnconfined:
	default:
		errs = append(errs, field.NotSupported(path.Child("type"), p.Type,
			[]v1.SeccompProfileType{v1.SeccompProfileTypeLocalhost, v1.SeccompProfileTypeRuntimeDefault, v1.SeccompProfileTypeUnconfined}))
	}
	return errs
}

// localhost checks that a profile of the node is named exactly when one is used.
func localhost(p *v1.SeccompProfile, path *field.Path) field.ErrorList {
	if p.Type == v1.SeccompProfileTypeLocalhost {
		if p.LocalhostProfile == nil {
			return field.ErrorList{field.Required(path.Child("localhostProfile"), "must be set when seccomp type is Localhost")}
		}
		return check.RelativePath(path.Child("localhostProfile"), *p.LocalhostProfile)
	}
	if p.LocalhostProfile != nil {
		return field.ErrorList{field.Invalid(path.Child("localhostProfile"), *p.LocalhostProfile, "can only be set when seccomp type is Localhost")}
	}
	return nil
}

const longestAppArmorProfile = 4095

func validateAppArmor(p *v1.AppArmorProfile, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	at := path.Child("localhostProfile")
	switch p.Type {
	case v1.AppArmorProfileTypeLocalhost:
		switch {
		case p.LocalhostProfile == nil:
			errs = append(errs, field.Required(at, "must be set when AppArmor type is Localhost"))
		case strings.TrimSpace(*p.LocalhostProfile) != *p.LocalhostProfile:
			errs = append(errs, field.Invalid(at, *p.LocalhostProfile, "must not be padded with whitespace"))
		case *p.LocalhostProfile == "":
			errs = append(errs, field.Required(at, "must be set when AppArmor type is Localhost"))
		}
		if p.LocalhostProfile != nil && len(*p.LocalhostProfile) > longestAppArmorProfile {
			errs = append(errs, field.TooLong(at, *p.LocalhostProfile, longestAppArmorProfile))
		}
	case v1.AppArmorProfileTypeRuntimeDefault, v1.AppArmorProfileTypeUnconfined:
		if p.LocalhostProfile != nil {
			errs = append(errs, field.Invalid(at, *p.LocalhostProfile, "can only be set when AppArmor type is Localhost"))
		}
	case "":
		errs = append(errs, field.Required(path.Child("type"), "type is required when appArmorProfile is set"))
	default:
		errs = append(errs, field.NotSupported(path.Child("type"), p.Type,
			[]v1.AppArmorProfileType{v1.AppArmorProfileTypeLocalhost, v1.AppArmorProfileTypeRuntimeDefault, v1.AppArmorProfileTypeUnconfined}))
	}
	return errs
}

// validateContainerSecurity checks one container's security context.
func validateContainerSecurity(s *v1.SecurityContext, hostUsers bool, path *field.Path) field.ErrorList {
	if s == nil {
		return nil
	}
	errs := validateUser(s.RunAsUser, path.Child("runAsUser"))
	errs = append(errs, validateGroup(s.RunAsGroup, path.Child("runAsGroup"))...)
	if s.ProcMount != nil {
		at := path.Child("procMount")
		errs = append(errs, check.OneOf(at, *s.ProcMount, v1.DefaultProcMount, v1.UnmaskedProcMount)...)
		if hostUsers && *s.ProcMount == v1.UnmaskedProcMount {
			errs = append(errs, field.Invalid(at, s.ProcMount, "`hostUsers` must be false to use `Unmasked`"))
		}
	}
	errs = append(errs, validateSeccomp(s.SeccompProfile, path.Child("seccompProfile"))...)
	if s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation {
		if isTrue(s.Privileged) {
			errs = append(errs, field.Invalid(path, s, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
		}
		if s.Capabilities != nil {
			for _, c := range s.Capabilities.Add {
				if c == "CAP_SYS_ADMIN" {
					errs = append(errs, field.Invalid(path, s, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
				}
			}
		}
	}
	errs = append(errs, validateWindowsOptions(s.WindowsOptions, path.Child("windowsOptions"))...)
	return append(errs, validateAppArmor(s.AppArmorProfile, path.Child("appArmorProfile"))...)
}
