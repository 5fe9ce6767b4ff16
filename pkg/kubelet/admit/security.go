package admit

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/util/sysctl"
)

// safeSysctls belong to the pod alone and harm nobody: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/.
var safeSysctls = []string{
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ping_group_range",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.tcp_wmem",
}

const forbiddenSysctl = "SysctlForbidden"

func sysctls(pod *v1.Pod, _ *v1.Node, _ []*v1.Pod, opts Options) (string, string) {
	if pod.Spec.SecurityContext == nil {
		return "", ""
	}
	for _, s := range pod.Spec.SecurityContext.Sysctls {
		if message := sysctlProblem(pod, sysctl.NormalizeName(s.Name), opts.AllowedUnsafeSysctls); message != "" {
			return forbiddenSysctl, message
		}
	}
	return "", ""
}

func sysctlProblem(pod *v1.Pod, name string, unsafe []string) string {
	allowed := slices.Contains(safeSysctls, name)
	for _, pattern := range unsafe {
		pattern = sysctl.NormalizeName(pattern)
		prefix, wild := strings.CutSuffix(pattern, "*")
		allowed = allowed || pattern == name || wild && strings.HasPrefix(name, prefix)
	}
	if !allowed {
		return fmt.Sprintf("forbidden sysctl: %q not allowlisted", name)
	}
	switch namespace, _, _ := sysctl.GetNamespace(name); {
	case namespace == sysctl.IPCNamespace && pod.Spec.HostIPC:
		return fmt.Sprintf("forbidden sysctl: %q not allowed with host ipc enabled", name)
	case namespace == sysctl.NetNamespace && pod.Spec.HostNetwork:
		return fmt.Sprintf("forbidden sysctl: %q not allowed with host net enabled", name)
	}
	return ""
}

func appArmor(pod *v1.Pod, _ *v1.Node, _ []*v1.Pod, opts Options) (string, string) {
	if opts.AppArmor {
		return "", ""
	}
	required := func(p *v1.AppArmorProfile) bool { return p != nil && p.Type != v1.AppArmorProfileTypeUnconfined }
	needs := pod.Spec.SecurityContext != nil && required(pod.Spec.SecurityContext.AppArmorProfile)
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			sc := list[i].SecurityContext
			needs = needs || sc != nil && required(sc.AppArmorProfile)
		}
	}
	if needs {
		return "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"
	}
	return "", ""
}
