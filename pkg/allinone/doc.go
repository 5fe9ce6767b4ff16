// Package allinone runs a whole single-node cluster in one process: etcd, the control plane, a
// kubelet and a proxy, with a containerd beside it.
//
// # Order
//
//	data directory claimed, locked, checked ─ machine checked ─ files written (certificates,
//	credentials, configurations) ─ then, each as soon as what it needs is ready:
//
//	etcd ──► kube-apiserver ──► kube-controller-manager, kube-scheduler, kube-proxy, add-ons
//	                  └────┐
//	containerd ──► images  ├──► kubelet
//	        └──────────────┘
//
// components.go is the one list; component_<name>.go says how each is built. Package lifecycle
// restarts what fails, alone, and stops all in the opposite order. Containers are not stopped:
// the next start finds them.
//
// # Any binary in any place
//
// With Config.Binaries a component runs as an upstream-compatible program with upstream's flags
// instead of inside the process: to find out whose fault something is, or to try one part of
// another build. The files written (certificates, kubeconfigs, KubeletConfiguration,
// KubeProxyConfiguration) are the same either way.
//
// Only cmd and test harnesses import this package.
package allinone
