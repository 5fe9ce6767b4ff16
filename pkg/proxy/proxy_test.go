package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/knftables"

	"tiphys.dev/tiphys/pkg/proxy/config"
	"tiphys.dev/tiphys/pkg/proxy/nftables"
	"tiphys.dev/tiphys/pkg/proxy/services"
)

// running is a proxy with a fake API and a fake kernel.
type running struct {
	t      *testing.T
	client *fake.Clientset
	nft    [2]*knftables.Fake
	addr   map[string]string // asked port -> real address
	mu     sync.Mutex
	stop   func() error
}

func testService(name, ip string) *v1.Service {
	return &v1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec: v1.ServiceSpec{Type: v1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip},
			Ports: []v1.ServicePort{{Port: 80, Protocol: v1.ProtocolTCP}}}}
}

func testSlice(service string, ips ...string) *discovery.EndpointSlice {
	s := &discovery.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: service + "-1", Labels: map[string]string{discovery.LabelServiceName: service}},
		AddressType: discovery.AddressTypeIPv4,
		Ports:       []discovery.EndpointPort{{Name: ptr.To(""), Port: ptr.To[int32](8080), Protocol: ptr.To(v1.ProtocolTCP)}}}
	for _, ip := range ips {
		s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addresses: []string{ip}})
	}
	return s
}

func start(t *testing.T, objects ...interface {
	metav1.Object
}) *running {
	t.Helper()
	r := &running{t: t, client: fake.NewClientset(), addr: map[string]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	for _, o := range objects {
		r.create(o)
	}
	for _, f := range services.Families {
		family := []knftables.Family{knftables.IPv4Family, knftables.IPv6Family}[f]
		r.nft[f] = knftables.NewFake(family, nftables.TableName)
	}
	cfg := config.New()
	cfg.Mode = config.ModeNFTables
	config.SetDefaults(cfg)
	cfg.NFTables.MinSyncPeriod.Duration = 50 * time.Millisecond
	factory := informers.NewSharedInformerFactory(r.client, 0)
	p, err := New(Config{
		Configuration: cfg, NodeName: "here",
		Services:       factory.Core().V1().Services(),
		EndpointSlices: factory.Discovery().V1().EndpointSlices(),
		Nodes:          factory.Core().V1().Nodes(),
		ServiceCIDRs:   factory.Networking().V1().ServiceCIDRs(),
		NFTables:       func(f services.Family) (knftables.Interface, error) { return r.nft[f], nil },
		Listen: func(ctx context.Context, address string) (net.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			r.mu.Lock()
			defer r.mu.Unlock()
			_, port, _ := net.SplitHostPort(address)
			r.addr[port] = l.Addr().String()
			return l, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		factory.Shutdown()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case <-p.Ready():
	case <-time.After(10 * time.Second):
		t.Fatal("not ready")
	}
	return r
}

func (r *running) create(o metav1.Object) {
	r.t.Helper()
	var err error
	switch o := o.(type) {
	case *v1.Service:
		_, err = r.client.CoreV1().Services(o.Namespace).Create(context.Background(), o, metav1.CreateOptions{})
	case *discovery.EndpointSlice:
		_, err = r.client.DiscoveryV1().EndpointSlices(o.Namespace).Create(context.Background(), o, metav1.CreateOptions{})
	case *v1.Node:
		_, err = r.client.CoreV1().Nodes().Create(context.Background(), o, metav1.CreateOptions{})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) dump() string {
	r.nft[0].RLock()
	defer r.nft[0].RUnlock()
	return r.nft[0].Dump()
}

// eventually waits until the table has, or has not, a text.
func (r *running) eventually(text string, want bool) {
	r.t.Helper()
	if !until(func() bool { return strings.Contains(r.dump(), text) == want }) {
		r.t.Fatalf("%q in table is not %v:\n%s", text, want, r.dump())
	}
}

func (r *running) get(port, path string) (int, string) {
	r.t.Helper()
	address := func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.addr[port]
	}
	if !until(func() bool { return address() != "" }) {
		r.t.Fatalf("port %s is not open", port)
	}
	resp, err := http.Get("http://" + address() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// until waits for a condition.
func until(ok func() bool) bool {
	return wait.PollUntilContextTimeout(context.Background(), 5*time.Millisecond, 10*time.Second, true,
		func(context.Context) (bool, error) { return ok(), nil }) == nil
}

func TestFromObjectsToRules(t *testing.T) {
	r := start(t, testService("a", "10.96.0.10"), testSlice("a", "10.0.0.1"))
	if !strings.Contains(r.dump(), "10.96.0.10 . 80 . 0 : 10.0.0.1 . 8080") {
		t.Fatalf("ready without the service:\n%s", r.dump())
	}
	ctx := context.Background()
	s := testSlice("a", "10.0.0.1", "10.0.0.2")
	if _, err := r.client.DiscoveryV1().EndpointSlices("ns").Update(ctx, s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.eventually("10.96.0.10 . 80 . 1 : 10.0.0.2 . 8080", true)
	r.create(testService("b", "10.96.0.11"))
	r.eventually("10.96.0.11 . tcp . 80 comment \"ns/b\" : goto reject-chain", true)
	// A slice that is handed to another service leaves the first.
	s = testSlice("b", "10.0.0.1")
	s.Name = "a-1"
	if _, err := r.client.DiscoveryV1().EndpointSlices("ns").Update(ctx, s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.eventually("10.96.0.11 . 80 . 0 : 10.0.0.1 . 8080", true)
	r.eventually("10.96.0.10 . tcp . 80 comment \"ns/a\" : goto reject-chain", true)
	if err := r.client.CoreV1().Services("ns").Delete(ctx, "b", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.eventually("10.96.0.11", false)
	r.create(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "here"}, Status: v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "172.30.0.9"}}}})
	r.eventually("nodeport-ips { 172.30.0.9 }", true)
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if !strings.Contains(r.dump(), "10.96.0.10") {
		t.Error("rules went away with the proxy")
	}
}

func TestEndpointsOfTheProcess(t *testing.T) {
	r := start(t)
	for path, want := range map[string]string{
		"/healthz": "ok", "/proxyMode": "nftables", "/configz": `"kubeproxy.config.k8s.io":{"kind":"KubeProxyConfiguration"`,
		"/metrics": "kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1",
	} {
		if code, body := r.get("10249", path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s, want %q", path, code, body, want)
		}
	}
	if code, body := r.get("10256", "/healthz"); code != 200 || !strings.Contains(body, `"nodeEligible":true`) {
		t.Errorf("healthz: %d %s", code, body)
	}
	r.create(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "here"}, Spec: v1.NodeSpec{Taints: []v1.Taint{{Key: taintToBeDeleted}}}})
	if !until(func() bool { code, _ := r.get("10256", "/healthz"); return code == 503 }) {
		t.Fatal("still healthy although the node is going")
	}
	if code, _ := r.get("10256", "/livez"); code != 200 {
		t.Errorf("livez %d", code)
	}
}

func TestTableThatWasFlushedIsLoadedAgain(t *testing.T) {
	r := start(t, testService("a", "10.96.0.10"), testSlice("a", "10.0.0.1"))
	tx := r.nft[0].NewTransaction()
	tx.Delete(&knftables.Table{})
	if err := r.nft[0].Run(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
	// The next change meets the missing table, fails, and everything is loaded.
	r.create(testService("b", "10.96.0.11"))
	r.eventually("10.96.0.11", true)
	r.eventually("10.96.0.10", true)
}
