package allinone

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
	"tiphys.dev/tiphys/pkg/allinone/cni"
	"tiphys.dev/tiphys/pkg/allinone/pki"
)

// paths says where each file of a cluster is.
type paths struct{ data, run string }

func (p paths) pki() string         { return filepath.Join(p.data, "pki") }
func (p paths) etcd() string        { return filepath.Join(p.data, "etcd") }
func (p paths) containerd() string  { return filepath.Join(p.data, "containerd") }
func (p paths) cniConf() string     { return filepath.Join(p.data, "cni", "net.d") }
func (p paths) cniLeases() string   { return filepath.Join(p.data, "cni", "leases") }
func (p paths) registries() string  { return filepath.Join(p.data, "registries") }
func (p paths) staticPods() string  { return filepath.Join(p.data, "manifests") }
func (p paths) imageMarks() string  { return filepath.Join(p.data, "containerd", "imported") }
func (p paths) resolvConf() string  { return filepath.Join(p.data, "config", "resolv.conf") }
func (p paths) kubeletConf() string { return filepath.Join(p.data, "config", "kubelet.yaml") }
func (p paths) proxyConf() string   { return filepath.Join(p.data, "config", "kube-proxy.yaml") }
func (p paths) config(n string) string {
	return filepath.Join(p.data, "config", n)
}
func (p paths) kubeconfig(name string) string {
	return filepath.Join(p.data, "kubeconfig", name+".kubeconfig")
}
func (p paths) etcdSocket() string      { return filepath.Join(p.run, "etcd.sock") }
func (p paths) containerdState() string { return filepath.Join(p.run, "containerd") }

// AdminKubeconfig is the file with every right on the cluster of a data directory.
func AdminKubeconfig(dataDir string) string {
	return paths{data: dataDir}.kubeconfig(pki.Admin)
}

// writeFiles brings all generated files up to date.
func (a *assembly) writeFiles(now time.Time) error {
	files, err := a.writeCredentials(now)
	if err != nil {
		return err
	}
	a.pki = files
	a.nodeFiles = nodeFiles{ca: files.Cert("ca"), servingCert: files.Cert("kubelet-server"), servingKey: files.Key("kubelet-server")}
	if err := a.writeNodeFiles(a.clusterKubelet(), a.clusterProxy()); err != nil {
		return err
	}
	return a.writeNetwork()
}

// writeNodeFiles writes what kubelet and proxy of this machine read.
func (a *assembly) writeNodeFiles(kubelets *kubelet.KubeletConfiguration, proxies *kubeproxy.KubeProxyConfiguration) error {
	for path, object := range map[string]any{
		a.paths.kubeletConf(): a.machineKubelet(kubelets),
		a.paths.proxyConf():   a.machineProxy(proxies),
	} {
		content, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", path, err)
		}
		if err := atomicfile.Write(path, content, 0o644); err != nil {
			return err
		}
	}
	if err := a.writeResolvConf(); err != nil {
		return err
	}
	return os.MkdirAll(a.paths.staticPods(), 0o755)
}

// network is the node's pod network but for its ranges.
func (a *assembly) network() cni.Config {
	return cni.Config{ConfDir: a.paths.cniConf(), DataDir: a.paths.cniLeases()}
}

// writeNetwork configures the pod network before the Node object is known, which has the last word
// (package podnetwork). It was there at an earlier start; at the first one, the first node of a
// cluster is given the first range.
func (a *assembly) writeNetwork() error {
	network := a.network()
	before, err := cni.Ranges(network.ConfDir)
	if err != nil {
		return err
	}
	network.PodCIDRs = prefixes(a.cfg.NodePodCIDR)
	if len(before) == 1 && before[0].Bits() >= a.cfg.ClusterCIDR.Bits() && a.cfg.ClusterCIDR.Contains(before[0].Addr()) {
		network.PodCIDRs = before
	}
	return cni.Write(network)
}

// writeResolvConf keeps a copy of the machine's name servers for pods, or the one that was given.
// Loopback addresses are left out: in a pod they would mean the pod itself.
func (a *assembly) writeResolvConf() error {
	var lines []string
	if a.cfg.UpstreamDNS != "" {
		lines = []string{"nameserver " + a.cfg.UpstreamDNS}
	} else {
		content, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("reading the machine's name servers: %w", err)
		}
		lines = usableResolvers(string(content))
	}
	return atomicfile.Write(a.paths.resolvConf(), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// usableResolvers drops name servers that only work on the machine itself.
func usableResolvers(content string) []string {
	var lines []string
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") || strings.HasPrefix(fields[0], ";") {
			continue
		}
		if fields[0] == "nameserver" && (len(fields) < 2 || net.ParseIP(fields[1]).IsLoopback()) {
			continue
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return lines
}

// clusterKubelet is what all kubelets of the cluster have in common. It is published for machines
// that join.
func (a *assembly) clusterKubelet() *kubelet.KubeletConfiguration {
	c := &kubelet.KubeletConfiguration{
		TypeMeta:      metav1.TypeMeta{APIVersion: kubelet.SchemeGroupVersion.String(), Kind: "KubeletConfiguration"},
		Address:       "0.0.0.0",
		ClusterDNS:    []string{a.cfg.ClusterDNS.String()},
		ClusterDomain: a.cfg.ClusterDomain,
		FailSwapOn:    ptr.To(false),
		// Machines with version 1 cgroups are still many; upstream's kubelet refuses them by default.
		FailCgroupV1: ptr.To(false),
		Authentication: kubelet.KubeletAuthentication{
			Webhook:   kubelet.KubeletWebhookAuthentication{Enabled: ptr.To(true)},
			Anonymous: kubelet.KubeletAnonymousAuthentication{Enabled: ptr.To(false)},
		},
		Authorization: kubelet.KubeletAuthorization{Mode: kubelet.KubeletAuthorizationModeWebhook},
	}
	if a.cfg.Development {
		c.ImageGCHighThresholdPercent = ptr.To(int32(100))
		c.EvictionHard = map[string]string{
			"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi", "nodefs.inodesFree": "1%",
		}
	}
	return c
}

// machineKubelet adds what only this machine knows.
func (a *assembly) machineKubelet(c *kubelet.KubeletConfiguration) *kubelet.KubeletConfiguration {
	driver := "cgroupfs"
	if a.cfg.SystemdCgroup {
		driver = "systemd"
	}
	c.StaticPodPath = a.paths.staticPods()
	c.TLSCertFile, c.TLSPrivateKeyFile = a.nodeFiles.servingCert, a.nodeFiles.servingKey
	c.ContainerRuntimeEndpoint = a.runtimeEndpoint()
	c.CgroupDriver, c.CgroupRoot = driver, a.cfg.CgroupRoot
	c.ResolverConfig = ptr.To(a.paths.resolvConf())
	c.Authentication.X509.ClientCAFile = a.nodeFiles.ca
	return c
}

// clusterProxy is what all proxies of the cluster have in common, published like clusterKubelet.
func (a *assembly) clusterProxy() *kubeproxy.KubeProxyConfiguration {
	return &kubeproxy.KubeProxyConfiguration{
		TypeMeta:           metav1.TypeMeta{APIVersion: kubeproxy.SchemeGroupVersion.String(), Kind: "KubeProxyConfiguration"},
		Mode:               "nftables",
		BindAddress:        "0.0.0.0",
		HealthzBindAddress: "0.0.0.0:10256",
		MetricsBindAddress: "127.0.0.1:10249",
		ClusterCIDR:        a.cfg.ClusterCIDR.String(),
		// In a network namespace the table's size belongs to the machine and cannot be set.
		Conntrack: kubeproxy.KubeProxyConntrackConfiguration{MaxPerCore: ptr.To(int32(0)), Min: ptr.To(int32(0))},
	}
}

// machineProxy adds what only this machine knows.
func (a *assembly) machineProxy(c *kubeproxy.KubeProxyConfiguration) *kubeproxy.KubeProxyConfiguration {
	c.HostnameOverride = a.cfg.NodeName
	c.ClientConnection.Kubeconfig = a.paths.kubeconfig(pki.Proxy)
	return c
}
