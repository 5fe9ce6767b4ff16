package node

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
	"tiphys.dev/tiphys/pkg/kubelet/stats"
	"tiphys.dev/tiphys/test/peer"
)

// host is the machine as tests change it.
type host struct {
	mu       sync.Mutex
	network  bool
	pressure evictplan.Conditions
}

func (h *host) status(context.Context) (*runtimeapi.StatusResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &runtimeapi.StatusResponse{
		Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{{Type: runtimeapi.RuntimeReady, Status: true},
			{Type: runtimeapi.NetworkReady, Status: h.network, Reason: "NetworkPluginNotReady", Message: "no network config found"}}},
		RuntimeHandlers: []*runtimeapi.RuntimeHandler{{Name: "runc", Features: &runtimeapi.RuntimeHandlerFeatures{UserNamespaces: true}}, {}},
		Features:        &runtimeapi.RuntimeFeatures{SupplementalGroupsPolicy: true},
	}, nil
}

func (h *host) set(change func(*host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func config(t *testing.T, h *host, client kubernetes.Interface, events record.EventRecorder) Config {
	return Config{Client: client, NodeName: "node-1", Labels: map[string]string{"own": "label"}, Taints: []v1.Taint{{Key: "t", Effect: v1.TaintEffectNoSchedule}},
		Register: true, NodeIPs: nil, ServerPort: 10250, KubeletVersion: "v1.36.0", RootDir: t.TempDir(), KubeReserved: map[string]string{"memory": "1Gi", "cpu": "500m"},
		EvictionHard:  map[string]string{"memory.available": "100Mi", "nodefs.available": "10%"},
		Machine:       stats.Machine{Cores: 4, Memory: 8 << 30, OS: "linux", Architecture: "amd64", MachineID: "m", HugePages: map[uint64]uint64{2 << 20: 10}},
		RuntimeStatus: h.status, RuntimeVersion: func(context.Context) (string, error) { return "containerd://2.4.2", nil },
		Images: func(context.Context) ([]*runtimeapi.Image, error) {
			return []*runtimeapi.Image{{RepoTags: []string{"small:1"}, Size: 1}, {RepoTags: []string{"large:1"}, Size: 9}}, nil
		},
		Pressure: func() evictplan.Conditions {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.pressure
		},
		Recorder: events}
}

func TestBuild(t *testing.T) {
	r, err := New(config(t, &host{network: true}, nil, record.NewFakeRecorder(10)))
	if err != nil {
		t.Fatal(err)
	}
	s := r.Node().Status
	for name, want := range map[v1.ResourceName]string{v1.ResourceCPU: "3500m", v1.ResourceMemory: "7048Mi", v1.ResourcePods: "110", "hugepages-2Mi": "20Mi"} {
		got := s.Allocatable[name]
		if got.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("allocatable %s: %s, want %s", name, got.String(), want)
		}
	}
	limit := r.PodsLimit()[v1.ResourceMemory]
	if limit.Cmp(resource.MustParse("7148Mi")) != 0 {
		t.Errorf("limit of all pods: %s", limit.String())
	}
	if !isReady(r.Node()) || len(s.Conditions) != 4 || s.Images[0].Names[0] != "large:1" || len(s.RuntimeHandlers) != 2 || !*s.Features.SupplementalGroupsPolicy {
		t.Errorf("status %+v", s)
	}
	if r.Node().Labels[v1.LabelHostname] != "node-1" || r.Node().Labels["own"] != "label" {
		t.Errorf("labels %v", r.Node().Labels)
	}
}

// Against upstream's API server: registration, readiness as soon as the network is up, pressure, the lease, others' changes left alone.
func TestReportsToAPI(t *testing.T) {
	cluster := peer.Start(t, peer.Config{UnsafeNoFsync: true})
	client, err := kubernetes.NewForConfig(cluster.RESTConfig(peer.Admin))
	if err != nil {
		t.Fatal(err)
	}
	h, events := &host{}, record.NewFakeRecorder(100)
	r, err := New(config(t, h, client, events))
	if err != nil {
		t.Fatal(err)
	}
	run := func(r *Reporter) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		return func() { cancel(); <-done }
	}
	stop := run(r)
	node := func() *v1.Node {
		n, err := client.CoreV1().Nodes().Get(t.Context(), "node-1", metav1.GetOptions{})
		if err != nil {
			return &v1.Node{}
		}
		return n
	}
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s; node %+v", what, node().Status.Conditions)
			}
		}
	}
	<-r.Registered()
	if n := node(); isReady(n) || !strings.Contains(n.Status.Conditions[3].Message, "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady") {
		t.Errorf("conditions %v", n.Status.Conditions)
	}
	h.set(func(h *host) { h.network = true })
	eventually("ready", func() bool { return isReady(node()) })
	eventually("lease", func() bool {
		l, err := client.CoordinationV1().Leases(v1.NamespaceNodeLease).Get(t.Context(), "node-1", metav1.GetOptions{})
		return err == nil && len(l.OwnerReferences) == 1 && *l.Spec.LeaseDurationSeconds == 40
	})
	h.set(func(h *host) { h.pressure.Memory = true })
	r.Trigger()
	eventually("memory pressure", func() bool { return node().Status.Conditions[0].Status == v1.ConditionTrue })
	if node().Status.Conditions[0].Reason != "KubeletHasInsufficientMemory" {
		t.Errorf("%v", node().Status.Conditions[0])
	}

	// Nothing changed: nothing is written.
	eventually("quiet", func() bool {
		before := node().ResourceVersion
		r.Trigger()
		time.Sleep(200 * time.Millisecond)
		return node().ResourceVersion == before
	})
	n := node()
	n.Labels["others"], n.Labels[v1.LabelHostname] = "stays", "wrong"
	if _, err := client.CoreV1().Nodes().Update(t.Context(), n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually("the watch shows it", func() bool { return r.Node().Labels["others"] == "stays" })
	stop()

	again, err := New(config(t, h, client, events))
	if err != nil {
		t.Fatal(err)
	}
	defer run(again)()
	<-again.Registered()
	if n := node(); n.Labels["others"] != "stays" || n.Labels[v1.LabelHostname] != "node-1" {
		t.Errorf("labels after registering again: %v", n.Labels)
	}
}
