package peer_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tiphys.dev/tiphys/test/peer"
)

func TestUsersOfAStartedClusterHaveUpstreamsRights(t *testing.T) {
	if testing.Short() {
		t.Skip("starts etcd and kube-apiserver")
	}
	began := time.Now()
	c := peer.Start(t, peer.Config{UnsafeNoFsync: true})
	t.Logf("ready after %s", time.Since(began))

	admin := clientFor(t, c, peer.Admin)
	version, err := admin.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.36.3" {
		t.Errorf("server version %s, want v1.36.3", version.GitVersion)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "oracle"}}
	if _, err := admin.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	scheduler := clientFor(t, c, peer.Scheduler)
	if _, err := scheduler.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("the scheduler may list pods: %v", err)
	}
	node := clientFor(t, c, "kubelet-node-1")
	if _, err := node.CoreV1().Nodes().Get(t.Context(), "node-1", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a node may read itself before it registers: got %v, want not found", err)
	}
	if _, err := node.CoreV1().Secrets("oracle").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a node must not list secrets: got %v, want forbidden", err)
	}
}

func TestNewReportsAMissingBinary(t *testing.T) {
	if _, err := peer.New(peer.Config{Dir: t.TempDir(), BinDir: t.TempDir()}); err == nil {
		t.Fatal("New accepted a directory without binaries")
	}
}

func clientFor(t *testing.T, c *peer.Cluster, user string) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.RESTConfig(user))
	if err != nil {
		t.Fatal(err)
	}
	return client
}
