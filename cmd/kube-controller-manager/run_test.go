package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/test/peer"
)

// The command with the flags of an ordinary set-up, on upstream's API server.
func TestCommandRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("starts etcd and kube-apiserver")
	}
	if _, err := os.Stat(peer.DefaultBinDir() + "/kube-apiserver"); err != nil {
		t.Skip("upstream's binaries are not built: hack/build-upstream.sh")
	}
	p := peer.Start(t, peer.Config{UnsafeNoFsync: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	kubeconfig := p.Kubeconfig(peer.ControllerManager)
	cmd := newCommand()
	cmd.SetArgs([]string{"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--use-service-account-credentials", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16", "--service-cluster-ip-range=10.96.0.0/12", "--controllers=*,-ttl-controller", "--feature-gates=PodDeletionCost=true"})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()

	admin, err := kubernetes.NewForConfig(p.RESTConfig(peer.Admin))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CoreV1().Nodes().Create(t.Context(), &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pod CIDR", func() error {
		n, err := admin.CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{})
		if err == nil && n.Spec.PodCIDR != "10.244.0.0/24" {
			return fmt.Errorf("pod CIDR %q", n.Spec.PodCIDR)
		}
		return err
	})
	base := fmt.Sprintf("https://127.0.0.1:%d", port)
	cfg := p.RESTConfig(peer.Admin)
	cfg.TLSClientConfig.CAData, cfg.TLSClientConfig.Insecure = nil, true
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": `workqueue_adds_total{name="namespace"}`, "/configz": "ConcurrentGCSyncs", "/statusz": "kube-controller-manager"} {
		eventually(t, path, func() error {
			resp, err := client.Get(base + path)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err == nil && !strings.Contains(string(body), want) {
				return fmt.Errorf("%d %.300s", resp.StatusCode, body)
			}
			return err
		})
	}
	lease, err := admin.CoordinationV1().Leases("kube-system").Get(t.Context(), "kube-controller-manager", metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		t.Errorf("lease: %v, %v", lease, err)
	}
	began := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the command ended with %v", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %s to stop", d)
	}
	lease, err = admin.CoordinationV1().Leases("kube-system").Get(t.Context(), "kube-controller-manager", metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
		t.Errorf("the lease was not released: %v, %v", lease, err)
	}
}

func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	var last error
	if wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		last = ask()
		return last == nil, nil
	}) != nil {
		t.Fatalf("%s: %v", what, last)
	}
}
