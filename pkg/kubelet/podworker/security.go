package podworker

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// Paths of /proc and /sys that an ordinary container must not see or not change; ProcMount Unmasked lifts them.
var (
	maskedPaths = []string{"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
		"/sys/devices/system/cpu/cpu*/thermal_throttle"}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// containerSecurity is the container's security context laid over the pod's.
func (w *worker) containerSecurity(ctx context.Context, pod *v1.Pod, c *v1.Container, kind plan.Kind, imageRef, handler string) (*runtimeapi.LinuxContainerSecurityContext, error) {
	p, s := pod.Spec.SecurityContext, c.SecurityContext
	if p == nil {
		p = &v1.PodSecurityContext{}
	}
	if s == nil {
		s = &v1.SecurityContext{}
	}
	options, err := w.namespaces(pod)
	if err != nil {
		return nil, err
	}
	out := &runtimeapi.LinuxContainerSecurityContext{
		NamespaceOptions:         options,
		Privileged:               is(s.Privileged),
		ReadonlyRootfs:           is(s.ReadOnlyRootFilesystem),
		NoNewPrivs:               s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation,
		SupplementalGroups:       podGroups(p),
		SupplementalGroupsPolicy: groupsPolicy(p),
		Capabilities:             capabilities(s.Capabilities),
	}
	if kind == plan.Ephemeral {
		if err := w.targetNamespace(pod, c.Name, options); err != nil {
			return nil, err
		}
	}
	if s.ProcMount == nil || *s.ProcMount != v1.UnmaskedProcMount {
		if !out.Privileged {
			out.MaskedPaths, out.ReadonlyPaths = maskedPaths, readonlyPaths
		}
	}
	if out.SelinuxOptions = selinux(s.SELinuxOptions); out.SelinuxOptions == nil {
		out.SelinuxOptions = selinux(p.SELinuxOptions)
	}
	if err := w.profiles(pod, c, p, s, out); err != nil {
		return nil, err
	}
	return out, w.identity(ctx, pod, c, p, s, imageRef, handler, out)
}

func is(b *bool) bool { return b != nil && *b }

// targetNamespace lets a debugging container see the processes of the one it is aimed at.
func (w *worker) targetNamespace(pod *v1.Pod, name string, options *runtimeapi.NamespaceOption) error {
	for i := range pod.Spec.EphemeralContainers {
		e := &pod.Spec.EphemeralContainers[i]
		if e.Name != name || e.TargetContainerName == "" {
			continue
		}
		target := w.m.cfg.Observer.Get(w.uid).Container(e.TargetContainerName)
		if target == nil {
			return fmt.Errorf("unable to find target container %s", e.TargetContainerName)
		}
		options.Pid, options.TargetId = runtimeapi.NamespaceMode_TARGET, target.ID
	}
	return nil
}

// profiles sets seccomp and AppArmor: the container's own, else the pod's, else the node's default.
func (w *worker) profiles(pod *v1.Pod, c *v1.Container, p *v1.PodSecurityContext, s *v1.SecurityContext, out *runtimeapi.LinuxContainerSecurityContext) (err error) {
	seccomp := s.SeccompProfile
	if seccomp == nil {
		seccomp = p.SeccompProfile
	}
	switch {
	case seccomp != nil:
		if out.Seccomp, err = w.seccomp(seccomp); err != nil {
			return err
		}
	case w.m.cfg.SeccompDefault && !out.Privileged:
		out.Seccomp = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
	default:
		out.Seccomp = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}
	}
	apparmor := s.AppArmorProfile
	if apparmor == nil {
		apparmor = p.AppArmorProfile
	}
	if apparmor == nil || !w.m.cfg.AppArmor {
		return nil
	}
	switch apparmor.Type {
	case v1.AppArmorProfileTypeRuntimeDefault:
		out.Apparmor = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
	case v1.AppArmorProfileTypeUnconfined:
		out.Apparmor = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}
	case v1.AppArmorProfileTypeLocalhost:
		if apparmor.LocalhostProfile == nil {
			return fmt.Errorf("localhostProfile must be set if AppArmor profile type is Localhost")
		}
		out.Apparmor = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: *apparmor.LocalhostProfile}
	}
	return nil
}

// seccomp turns a profile into the runtime's; a local file lies under the kubelet's seccomp directory.
func (w *worker) seccomp(p *v1.SeccompProfile) (*runtimeapi.SecurityProfile, error) {
	switch p.Type {
	case v1.SeccompProfileTypeRuntimeDefault:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}, nil
	case v1.SeccompProfileTypeLocalhost:
		if p.LocalhostProfile == nil || *p.LocalhostProfile == "" {
			return nil, fmt.Errorf("localhostProfile must be set if seccompProfile type is Localhost.")
		}
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost,
			LocalhostRef: filepath.Join(w.m.cfg.RootDir, "seccomp", *p.LocalhostProfile)}, nil
	}
	return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined}, nil
}

// identity decides who the process is, and refuses root where the pod forbids it.
func (w *worker) identity(ctx context.Context, pod *v1.Pod, c *v1.Container, p *v1.PodSecurityContext, s *v1.SecurityContext,
	imageRef, handler string, out *runtimeapi.LinuxContainerSecurityContext) error {
	user, group, nonRoot := s.RunAsUser, s.RunAsGroup, s.RunAsNonRoot
	if user == nil {
		user = p.RunAsUser
	}
	if group == nil {
		group = p.RunAsGroup
	}
	if nonRoot == nil {
		nonRoot = p.RunAsNonRoot
	}
	name := ""
	if user != nil {
		if is(nonRoot) && *user == 0 {
			return fmt.Errorf("container's runAsUser breaks non-root policy (pod: %q, container: %s)", podID(pod), c.Name)
		}
	} else {
		image, err := w.m.cfg.ImageStatus.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: imageRef, RuntimeHandler: handler}, false)
		if err != nil {
			return fmt.Errorf("reading the image's user: %w", err)
		}
		var uid int64
		if image.Image != nil {
			name = image.Image.Username
			if image.Image.Uid != nil {
				uid = image.Image.Uid.Value
			}
		}
		switch {
		case is(nonRoot) && name != "":
			return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root (pod: %q, container: %s)", name, podID(pod), c.Name)
		case is(nonRoot) && uid == 0:
			return fmt.Errorf("container has runAsNonRoot and image will run as root (pod: %q, container: %s)", podID(pod), c.Name)
		case name == "":
			user = &uid
		}
	}
	if user != nil {
		out.RunAsUser = &runtimeapi.Int64Value{Value: *user}
	}
	out.RunAsUsername = name
	if group != nil {
		out.RunAsGroup = &runtimeapi.Int64Value{Value: *group}
	}
	return nil
}

func podID(pod *v1.Pod) string { return fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID) }

func podGroups(p *v1.PodSecurityContext) []int64 {
	groups := append([]int64(nil), p.SupplementalGroups...)
	if p.FSGroup != nil {
		groups = append(groups, *p.FSGroup)
	}
	return groups
}

func groupsPolicy(p *v1.PodSecurityContext) runtimeapi.SupplementalGroupsPolicy {
	if p.SupplementalGroupsPolicy != nil && *p.SupplementalGroupsPolicy == v1.SupplementalGroupsPolicyStrict {
		return runtimeapi.SupplementalGroupsPolicy_Strict
	}
	return runtimeapi.SupplementalGroupsPolicy_Merge
}

func capabilities(c *v1.Capabilities) *runtimeapi.Capability {
	if c == nil {
		return nil
	}
	out := &runtimeapi.Capability{}
	for _, a := range c.Add {
		out.AddCapabilities = append(out.AddCapabilities, strings.ToUpper(string(a)))
	}
	for _, d := range c.Drop {
		out.DropCapabilities = append(out.DropCapabilities, strings.ToUpper(string(d)))
	}
	return out
}

func selinux(o *v1.SELinuxOptions) *runtimeapi.SELinuxOption {
	if o == nil {
		return nil
	}
	return &runtimeapi.SELinuxOption{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
}
