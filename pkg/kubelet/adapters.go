package kubelet

import (
	"context"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/cgroup"
	"tiphys.dev/tiphys/pkg/kubelet/cri"
	"tiphys.dev/tiphys/pkg/kubelet/dns"
	"tiphys.dev/tiphys/pkg/kubelet/podworker"
	"tiphys.dev/tiphys/pkg/kubelet/probe"
)

// names fits the dns room to what pod workers ask of it.
type names struct {
	dns *dns.Configurer
	// hostsFile of the node, for pods on its network.
	hostsFile string
}

func (n names) PodDNS(pod *v1.Pod) (*runtimeapi.DNSConfig, error) { return n.dns.PodDNS(pod) }

func (n names) PodHostname(pod *v1.Pod, nodeHostname string) (hostname, domain string, err error) {
	if pod.Spec.HostNetwork && pod.Spec.HostnameOverride == nil {
		return nodeHostname, "", nil
	}
	return n.dns.PodHostname(pod)
}

func (n names) KernelHostname(pod *v1.Pod, hostname, domain string) (string, error) {
	return dns.KernelHostname(pod, hostname, domain)
}

func (n names) HostsFile(pod *v1.Pod, podIPs []string, hostname, domain string) ([]byte, error) {
	if pod.Spec.HostNetwork {
		return dns.NodeHostsFile(n.hostsFile, pod.Spec.HostAliases)
	}
	return dns.HostsFile(podIPs, hostname, domain, pod.Spec.HostAliases), nil
}

// groups fits the cgroup room to what pod workers ask of it.
type groups struct{ *cgroup.Manager }

// GrowPod sets each value to the greater of what the pod has and what it needs; no limit is the greatest.
func (g groups) GrowPod(ctx context.Context, pod *v1.Pod) error {
	want := *g.PodConfig(pod)
	have, err := g.ReadPod(pod.UID)
	if err != nil {
		return err
	}
	want.CPUShares = greater(want.CPUShares, have.CPUShares)
	want.CPUQuota = greaterLimit(want.CPUQuota, have.CPUQuota)
	want.Memory = greaterLimit(want.Memory, have.Memory)
	return g.SetPod(ctx, pod, &want)
}

func greater(a, b *uint64) *uint64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// greaterLimit compares limits where not positive means none.
func greaterLimit(a, b *int64) *int64 {
	switch {
	case a == nil || *a <= 0:
		return a
	case b == nil || *b > 0 && *b <= *a:
		return a
	}
	return b
}

// probes fits the probe room to what pod workers ask of it.
type probes struct{ *probe.Manager }

var probeKinds = map[podworker.ProbeKind]probe.Type{
	podworker.Startup: probe.Startup, podworker.Readiness: probe.Readiness, podworker.Liveness: probe.Liveness}

func (p probes) Track(pod *v1.Pod, podIP string, containers []podworker.Tracked) {
	all := make([]probe.Container, 0, len(containers))
	for _, c := range containers {
		all = append(all, probe.Container{Name: c.Observed.Name, ID: c.ID, Running: c.Running, StartedAt: c.Observed.StartedAt})
	}
	p.Manager.Track(pod, podIP, all)
}

func (p probes) Stopping(uid types.UID) { p.Stop(uid, probe.Liveness, probe.Startup) }

func (p probes) Get(uid types.UID, container, containerID string, kind podworker.ProbeKind) (success, known bool) {
	outcome, ok := p.Manager.Get(uid, container, containerID, probeKinds[kind])
	if !ok || outcome == probe.Unknown {
		return false, false
	}
	return outcome == probe.Success, true
}

// execSync runs a command in the container with an API container ID.
func execSync(client *cri.Client) probe.Exec {
	return func(ctx context.Context, containerID string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error) {
		return client.Runtime.ExecSync(ctx, rawID(containerID), cmd, timeout)
	}
}

// rawID is the runtime's own ID: containerd://ID without the scheme.
func rawID(id string) string {
	if _, raw, ok := strings.Cut(id, "://"); ok {
		return raw
	}
	return id
}
