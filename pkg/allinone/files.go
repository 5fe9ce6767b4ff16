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
	"tiphys.dev/tiphys/pkg/allinone/kubeconfig"
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
	files, err := pki.Ensure(pki.Config{
		Dir: a.paths.pki(), NodeName: a.cfg.NodeName, NodeIP: a.cfg.NodeIP.AsSlice(), ServiceIP: a.cfg.ServiceIP().AsSlice(),
		ClusterDomain: a.cfg.ClusterDomain, ExtraNames: a.cfg.ExtraNames, Now: now,
	})
	if err != nil {
		return err
	}
	a.pki = files
	for _, name := range []string{pki.Admin, pki.ControllerManager, pki.Scheduler, pki.Proxy, pki.Kubelet} {
		if err := kubeconfig.Write(a.paths.kubeconfig(name), name, kubeconfig.Identity{
			Server: a.cfg.Server(), CAFile: files.Cert("ca"), CertFile: files.Cert(name), KeyFile: files.Key(name),
		}); err != nil {
			return err
		}
	}
	for path, object := range map[string]any{
		a.paths.kubeletConf(): a.kubeletConfiguration(),
		a.paths.proxyConf():   a.proxyConfiguration(),
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
	if err := os.MkdirAll(a.paths.staticPods(), 0o755); err != nil {
		return err
	}
	return cni.Write(cni.Config{
		ConfDir: a.paths.cniConf(), DataDir: a.paths.cniLeases(), PodCIDRs: prefixes(a.cfg.NodePodCIDR),
	})
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

func (a *assembly) kubeletConfiguration() *kubelet.KubeletConfiguration {
	driver := "cgroupfs"
	if a.cfg.SystemdCgroup {
		driver = "systemd"
	}
	c := &kubelet.KubeletConfiguration{
		TypeMeta:                 metav1.TypeMeta{APIVersion: kubelet.SchemeGroupVersion.String(), Kind: "KubeletConfiguration"},
		Address:                  "0.0.0.0",
		StaticPodPath:            a.paths.staticPods(),
		TLSCertFile:              a.pki.Cert("kubelet-server"),
		TLSPrivateKeyFile:        a.pki.Key("kubelet-server"),
		ContainerRuntimeEndpoint: a.runtimeEndpoint(),
		CgroupDriver:             driver,
		CgroupRoot:               a.cfg.CgroupRoot,
		ClusterDNS:               []string{a.cfg.ClusterDNS.String()},
		ClusterDomain:            a.cfg.ClusterDomain,
		ResolverConfig:           ptr.To(a.paths.resolvConf()),
		FailSwapOn:               ptr.To(false),
		// Machines with version 1 cgroups are still many; upstream's kubelet refuses them by default.
		FailCgroupV1: ptr.To(false),
		Authentication: kubelet.KubeletAuthentication{
			X509:      kubelet.KubeletX509Authentication{ClientCAFile: a.pki.Cert("ca")},
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

func (a *assembly) proxyConfiguration() *kubeproxy.KubeProxyConfiguration {
	c := &kubeproxy.KubeProxyConfiguration{
		TypeMeta:           metav1.TypeMeta{APIVersion: kubeproxy.SchemeGroupVersion.String(), Kind: "KubeProxyConfiguration"},
		Mode:               "nftables",
		BindAddress:        "0.0.0.0",
		HealthzBindAddress: "0.0.0.0:10256",
		MetricsBindAddress: "127.0.0.1:10249",
		ClusterCIDR:        a.cfg.ClusterCIDR.String(),
		HostnameOverride:   a.cfg.NodeName,
		// In a network namespace the table's size belongs to the machine and cannot be set.
		Conntrack: kubeproxy.KubeProxyConntrackConfiguration{MaxPerCore: ptr.To(int32(0)), Min: ptr.To(int32(0))},
	}
	c.ClientConnection.Kubeconfig = a.paths.kubeconfig(pki.Proxy)
	return c
}
