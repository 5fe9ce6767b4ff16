// Package peer starts upstream's own control plane beside a test: etcd and kube-apiserver, and on request
// kube-controller-manager and kube-scheduler, as child processes with their own ports, certificates and directory.
//
// It is the oracle: the same request goes to upstream and to us, and the answers are compared. It is also the other side of the benchmarks,
// and the API server to develop a kubelet, scheduler or controller against. It only executes binaries built by
// hack/build-upstream.sh; it imports nothing of them. Process is a child of which a test watches the whole life, upstream's or ours.
//
// Life: New generates keys, kubeconfigs and command lines and starts nothing. Run starts etcd, then the API server, waits
// for /readyz, then the others, closes Ready, and blocks until ctx ends or a process does; then it stops all in reverse
// order. Start does both for a test and registers the clean-up. Children die with the process that started them.
//
// Files under Config.Dir: pki/ (kubeadm's file names), <user>.kubeconfig, etcd/, logs/. A directory that was used before is
// continued: same data, same certificate authority, new ports.
//
// Importers: tests, benchmarks and development tools.
package peer
