package podworker

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

// sandboxConfig describes the pod's sandbox. The same pod gives the same config: it is built again for each container.
func (w *worker) sandboxConfig(ctx context.Context, pod *v1.Pod, attempt uint32) (*runtimeapi.PodSandboxConfig, error) {
	parent, err := w.cgroup(ctx, pod)
	if err != nil {
		return nil, err
	}
	names, err := w.m.cfg.DNS.PodDNS(pod)
	if err != nil {
		return nil, fmt.Errorf("configuring name resolution: %w", err)
	}
	hostname, domain, err := w.hostname(pod)
	if err != nil {
		return nil, fmt.Errorf("choosing the hostname: %w", err)
	}
	if hostname, err = w.m.cfg.DNS.KernelHostname(pod, hostname, domain); err != nil {
		return nil, err
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID), Attempt: attempt},
		Labels:       podLabels(pod),
		Annotations:  pod.Annotations,
		LogDirectory: w.logDir(pod),
		DnsConfig:    names,
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent: parent,
			Sysctls:      sysctls(pod),
			Overhead:     w.resourcesOf(pod.Spec.Overhead, pod.Spec.Overhead),
			Resources:    w.podResources(pod),
		},
	}
	if config.Linux.SecurityContext, err = w.sandboxSecurity(pod); err != nil {
		return nil, err
	}
	if !pod.Spec.HostNetwork {
		config.Hostname = hostname
		config.PortMappings = portMappings(pod)
	}
	return config, nil
}

// cgroup makes the pod's group once. Later its limits change by resize only.
func (w *worker) cgroup(ctx context.Context, pod *v1.Pod) (string, error) {
	w.mu.Lock()
	parent := w.parent
	w.mu.Unlock()
	if parent != nil {
		return *parent, nil
	}
	made, err := w.m.cfg.Cgroups.EnsurePod(ctx, pod)
	if err != nil {
		return "", fmt.Errorf("making the pod's cgroup: %w", err)
	}
	w.mu.Lock()
	w.parent = &made
	w.mu.Unlock()
	return made, nil
}

func (w *worker) hostname(pod *v1.Pod) (hostname, domain string, err error) {
	return w.m.cfg.DNS.PodHostname(pod, w.m.cfg.Hostname)
}

func podLabels(pod *v1.Pod) map[string]string {
	labels := map[string]string{}
	for k, v := range pod.Labels {
		labels[k] = v
	}
	labels[kubelettypes.KubernetesPodNameLabel] = pod.Name
	labels[kubelettypes.KubernetesPodNamespaceLabel] = pod.Namespace
	labels[kubelettypes.KubernetesPodUIDLabel] = string(pod.UID)
	return labels
}

func sysctls(pod *v1.Pod) map[string]string {
	all := map[string]string{}
	if pod.Spec.SecurityContext == nil {
		return all
	}
	for _, s := range pod.Spec.SecurityContext.Sysctls {
		all[s.Name] = s.Value
	}
	return all
}

func portMappings(pod *v1.Pod) []*runtimeapi.PortMapping {
	var all []*runtimeapi.PortMapping
	add := func(c *v1.Container) {
		for _, p := range c.Ports {
			m := &runtimeapi.PortMapping{ContainerPort: p.ContainerPort, HostPort: p.HostPort, HostIp: p.HostIP}
			switch p.Protocol {
			case v1.ProtocolUDP:
				m.Protocol = runtimeapi.Protocol_UDP
			case v1.ProtocolSCTP:
				m.Protocol = runtimeapi.Protocol_SCTP
			}
			all = append(all, m)
		}
	}
	for i := range pod.Spec.InitContainers {
		add(&pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	return all
}

// sandboxSecurity: the namespaces are what matters; user and groups are those of the pod as far as it says.
func (w *worker) sandboxSecurity(pod *v1.Pod) (*runtimeapi.LinuxSandboxSecurityContext, error) {
	options, err := w.namespaces(pod)
	if err != nil {
		return nil, err
	}
	sc := &runtimeapi.LinuxSandboxSecurityContext{
		NamespaceOptions: options,
		Privileged:       anyPrivileged(pod),
		Seccomp:          &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault},
	}
	p := pod.Spec.SecurityContext
	if p == nil {
		return sc, nil
	}
	if p.SeccompProfile != nil {
		if sc.Seccomp, err = w.seccomp(p.SeccompProfile); err != nil {
			return nil, err
		}
	}
	if p.RunAsUser != nil {
		sc.RunAsUser = &runtimeapi.Int64Value{Value: *p.RunAsUser}
	}
	// The runtime accepts a group only beside a user.
	if p.RunAsGroup != nil && p.RunAsUser != nil {
		sc.RunAsGroup = &runtimeapi.Int64Value{Value: *p.RunAsGroup}
	}
	sc.SupplementalGroups = podGroups(p)
	sc.SupplementalGroupsPolicy = groupsPolicy(p)
	sc.SelinuxOptions = selinux(p.SELinuxOptions)
	return sc, nil
}

func anyPrivileged(pod *v1.Pod) bool {
	is := func(sc *v1.SecurityContext) bool { return sc != nil && sc.Privileged != nil && *sc.Privileged }
	for i := range pod.Spec.InitContainers {
		if is(pod.Spec.InitContainers[i].SecurityContext) {
			return true
		}
	}
	for i := range pod.Spec.Containers {
		if is(pod.Spec.Containers[i].SecurityContext) {
			return true
		}
	}
	return false
}

// namespaces says which the pod shares with the node and which its containers share with each other.
func (w *worker) namespaces(pod *v1.Pod) (*runtimeapi.NamespaceOption, error) {
	o := &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER}
	if pod.Spec.HostNetwork {
		o.Network = runtimeapi.NamespaceMode_NODE
	}
	if pod.Spec.HostIPC {
		o.Ipc = runtimeapi.NamespaceMode_NODE
	}
	switch {
	case pod.Spec.HostPID:
		o.Pid = runtimeapi.NamespaceMode_NODE
	case pod.Spec.ShareProcessNamespace != nil && *pod.Spec.ShareProcessNamespace:
		o.Pid = runtimeapi.NamespaceMode_POD
	}
	if pod.Spec.HostUsers == nil || *pod.Spec.HostUsers {
		return o, nil
	}
	mapping, err := w.m.userns(pod)
	if err != nil {
		return nil, err
	}
	o.UsernsOptions = &runtimeapi.UserNamespace{Mode: runtimeapi.NamespaceMode_POD,
		Uids: []*runtimeapi.IDMapping{mapping}, Gids: []*runtimeapi.IDMapping{mapping}}
	return o, nil
}
