package conntrack

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

func udp(nodePort uint16, eps ...string) *services.Service {
	p := &services.Port{Protocol: v1.ProtocolUDP, Port: 53, ClusterIP: netip.MustParseAddr("10.96.0.10"), NodePort: nodePort}
	for _, e := range eps {
		p.Cluster = append(p.Cluster, netip.MustParseAddrPort(e))
	}
	return &services.Service{Ports: []*services.Port{p}}
}

func TestStale(t *testing.T) {
	const a, b = "10.244.0.2:53", "10.244.0.3:53"
	cases := map[string]struct {
		before, after    *services.Service
		destination, via string
		want             bool
	}{
		"endpoint is gone":                       {udp(0, a, b), udp(0, b), "10.96.0.10:53", a, true},
		"endpoint stays":                         {udp(0, a, b), udp(0, b), "10.96.0.10:53", b, false},
		"first endpoint, packets went nowhere":   {udp(0), udp(0, a), "10.96.0.10:53", "10.96.0.10:53", true},
		"still none":                             {udp(0, a), udp(0), "10.96.0.10:53", "10.96.0.10:53", false},
		"service is gone":                        {udp(0, a), nil, "10.96.0.10:53", a, true},
		"another port of the address":            {udp(0, a), udp(0, b), "10.96.0.10:54", a, false},
		"directly to the endpoint":               {udp(0, a), udp(0, b), a, a, false},
		"node port, endpoint is gone":            {udp(30053, a, b), udp(30053, b), "172.30.0.2:30053", a, true},
		"node port, endpoint stays":              {udp(30053, a, b), udp(30053, b), "172.30.0.2:30053", b, false},
		"node port of another node":              {udp(30053, a), udp(30053, b), "172.30.0.3:30053", a, false},
		"node port, somebody else's translation": {udp(30053, a), udp(30053, b), "172.30.0.2:30053", "10.9.9.9:1", false},
		"node port, first endpoint":              {udp(30053), udp(30053, a), "172.30.0.2:30053", "172.30.0.2:30053", true},
		"node port is given up":                  {udp(30053, a), udp(0, a), "172.30.0.2:30053", a, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			id := types.NamespacedName{Namespace: "ns", Name: "dns"}
			ch := services.Change{Snapshot: &services.Snapshot{Services: map[types.NamespacedName]*services.Service{}},
				Changed: []types.NamespacedName{id}, Before: map[types.NamespacedName]*services.Service{id: c.before}}
			if c.after != nil {
				ch.Services[id] = c.after
			}
			s := NewStale(services.IPv4, ch, func(x netip.Addr) bool { return x == netip.MustParseAddr("172.30.0.2") })
			if got := s.Match(Flow{netip.MustParseAddrPort(c.destination), netip.MustParseAddrPort(c.via)}); got != c.want {
				t.Errorf("stale %v, want %v", got, c.want)
			}
			if NewStale(services.IPv6, ch, nil).Any() {
				t.Error("the other family is concerned")
			}
		})
	}
}

func TestSysctls(t *testing.T) {
	root := t.TempDir()
	put := func(name, v string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(v), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("nf_conntrack_max", "10\n")
	put("nf_conntrack_tcp_timeout_established", "432000\n")
	cfg := &proxyconfig.KubeProxyConntrackConfiguration{
		MaxPerCore: ptr.To[int32](1), Min: ptr.To[int32](100000),
		TCPEstablishedTimeout: &metav1.Duration{Duration: time.Hour},
		UDPTimeout:            metav1.Duration{Duration: 5 * time.Second},
	}
	if err := Sysctls(root, cfg); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"nf_conntrack_max": 100000, "nf_conntrack_tcp_timeout_established": 3600, "nf_conntrack_udp_timeout": 5}
	for name, v := range want {
		if got, err := read(filepath.Join(root, name)); err != nil || got != v {
			t.Errorf("%s is %d (%v), want %d", name, got, err, v)
		}
	}
	put("nf_conntrack_max", "200000")
	if err := Sysctls(root, cfg); err != nil {
		t.Fatal(err)
	}
	if got, _ := read(filepath.Join(root, "nf_conntrack_max")); got != 200000 {
		t.Errorf("a larger table was made smaller: %d", got)
	}
	err := Sysctls(filepath.Join(root, "absent"), cfg)
	if err == nil || !strings.Contains(err.Error(), "nf_conntrack_max") || !strings.Contains(err.Error(), "nf_conntrack_udp_timeout") {
		t.Errorf("error does not name what was not set: %v", err)
	}
}
