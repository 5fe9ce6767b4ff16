// Package upstream pins the one version of upstream Kubernetes that Tiphys is compared with. It owns nothing at run
// time: its go.mod is what hack/build-upstream.sh builds from, into _output/upstream/bin:
//
//   - upstream's own kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl, with etcd and
//     etcdctl: the oracle for every doubt about behaviour, and the peer in benchmarks;
//   - e2e.test and the ginkgo runner: the conformance suite;
//   - the programs inside the suite's images (agnhost and a few small ones), which test/images packs.
//
// It is a module of its own so that nothing of k8s.io/kubernetes can reach the product. No package may import it.
package upstream
