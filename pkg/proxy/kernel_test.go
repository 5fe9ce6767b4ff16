package proxy

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/proxy/nftables"
)

// expect waits until asking gives exactly the wanted answers, separated by commas.
func (w *kernelWorld) expect(from, network, address, want string) {
	w.t.Helper()
	var got string
	if !until(func() bool {
		if single := w.get(from, network, address); !slices.Contains(strings.Split(want, ","), single) {
			got = single
			return false
		}
		got = strings.Join(slices.Sorted(maps.Keys(w.answers(from, network, address))), ",")
		return got == want
	}) {
		w.t.Errorf("%s %s from %s: %s, want %s", network, address, from, got, want)
	}
}

// expectRefusal is expect for connections that get no answer; asking often would take too long.
func (w *kernelWorld) expectRefusal(from, network, address, want string) {
	w.t.Helper()
	var got string
	if !until(func() bool { got = w.get(from, network, address); return got == want }) {
		w.t.Errorf("%s %s from %s: %s, want %s", network, address, from, got, want)
	}
}

func nodePort(s *v1.Service) {
	s.Spec.Type = v1.ServiceTypeNodePort
	s.Spec.Ports[0].NodePort = 30080
	s.Spec.Ports[1].NodePort = 30080
}

// TestKernel asks real servers in network namespaces through real rules.
func TestKernel(t *testing.T) {
	w := newKernelWorld(t)
	w.run()

	t.Run("cluster IP", func(t *testing.T) {
		w.t = t
		w.service("plain", "10.96.0.10", nil, "a", "b", "far")
		w.expect("a", "tcp", "10.96.0.10:80", "a 10.244.0.1,b 10.244.0.2,far 10.244.0.2") // itself through hairpin
		w.expect("node", "tcp", "10.96.0.10:80", "a 10.244.0.1,b 10.244.0.1,far 10.244.0.1")
		w.expect("outside", "tcp", "10.96.0.10:80", "a 10.244.0.1,b 10.244.0.1,far 10.244.0.1")
		w.expect("b", "udp", "10.96.0.10:80", "a 10.244.0.3,b 10.244.0.1,far 10.244.0.3")
		w.expectRefusal("a", "tcp", "10.96.0.10:81", "refused")
		w.expectRefusal("node", "tcp", "10.96.0.10:81", "refused")
		w.endpoints("plain")
		w.expectRefusal("a", "tcp", "10.96.0.10:80", "refused")
		w.expectRefusal("node", "tcp", "10.96.0.10:80", "refused")
		w.endpoints("plain", "b")
		w.expect("a", "tcp", "10.96.0.10:80", "b 10.244.0.2")
	})
	t.Run("IPv6", func(t *testing.T) {
		w.t = t
		// Link-local addresses are usable a moment after the links are up; the first answers wait for it.
		w.service("six", "fd96::10", nil, "a", "far")
		w.expect("b", "tcp", "[fd96::10]:80", "a fd01::3,far fd01::3")
		w.expect("a", "udp", "[fd96::10]:80", "a fd01::1,far fd01::2")
		w.endpoints("six")
		w.expectRefusal("b", "tcp", "[fd96::10]:80", "refused")
	})
	t.Run("node port", func(t *testing.T) {
		w.t = t
		w.service("np", "10.96.0.11", nodePort, "a", "far")
		w.expect("outside", "tcp", "192.168.99.1:30080", "a 10.244.0.1,far 10.244.0.1")
		w.expect("outside", "udp", "192.168.99.1:30080", "a 10.244.0.1,far 10.244.0.1")
		w.expect("node", "tcp", "192.168.99.1:30080", "a 10.244.0.1,far 10.244.0.1")
		w.service("np", "10.96.0.11", func(s *v1.Service) {
			nodePort(s)
			s.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyLocal
		}, "a", "far")
		w.expect("outside", "tcp", "192.168.99.1:30080", "a 192.168.99.2")
		w.expect("b", "tcp", "192.168.99.1:30080", "a 10.244.0.3,far 10.244.0.3")
		w.expect("node", "tcp", "192.168.99.1:30080", "a 10.244.0.1,far 10.244.0.1")
		w.endpoints("np", "far")
		w.expectRefusal("outside", "tcp", "192.168.99.1:30080", "timeout")
		w.expect("b", "tcp", "192.168.99.1:30080", "far 10.244.0.3")
		w.endpoints("np")
		w.expectRefusal("outside", "tcp", "192.168.99.1:30080", "refused")
	})
	t.Run("internal policy Local", func(t *testing.T) {
		w.t = t
		w.service("inner", "10.96.0.12", func(s *v1.Service) {
			s.Spec.InternalTrafficPolicy = ptr.To(v1.ServiceInternalTrafficPolicyLocal)
		}, "a", "far")
		w.expect("b", "tcp", "10.96.0.12:80", "a 10.244.0.3")
		w.endpoints("inner", "far")
		w.expectRefusal("b", "tcp", "10.96.0.12:80", "timeout")
	})
	t.Run("session affinity", func(t *testing.T) {
		w.t = t
		sticky := func(s *v1.Service) {
			nodePort(s)
			s.Spec.SessionAffinity = v1.ServiceAffinityClientIP
			s.Spec.Ports[0].NodePort = 30081
			s.Spec.Ports[1].NodePort = 30081
		}
		w.service("sticky", "10.96.0.13", sticky, "a", "far")
		if !until(func() bool { return !strings.Contains("refused timeout", w.get("b", "tcp", "10.96.0.13:80")) }) {
			t.Fatal("no answer")
		}
		first := w.get("b", "tcp", "10.96.0.13:80")
		if got := w.answers("b", "tcp", "10.96.0.13:80"); len(got) != 1 || !got[first] {
			t.Fatalf("a client got %v, first %s", got, first)
		}
		if got := w.answers("outside", "tcp", "192.168.99.1:30081"); len(got) != 1 {
			t.Errorf("a client outside got %v", got)
		}
		// Another endpoint appears: nobody moves. The endpoint goes: its clients move.
		w.endpoints("sticky", "a", "b", "far")
		stay, gone := "a", "far"
		if strings.HasPrefix(first, "a") {
			stay, gone = "far", "a"
		}
		if got := w.answers("b", "tcp", "10.96.0.13:80"); len(got) != 1 || !got[first] {
			t.Errorf("after another endpoint came: %v, first %s", got, first)
		}
		w.endpoints("sticky", stay)
		if !until(func() bool { return strings.HasPrefix(w.get("b", "tcp", "10.96.0.13:80"), stay) }) {
			t.Errorf("still at %s", gone)
		}
	})
	t.Run("load balancer", func(t *testing.T) {
		w.t = t
		w.service("lb", "10.96.0.14", func(s *v1.Service) {
			s.Spec.Type = v1.ServiceTypeLoadBalancer
			s.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0/8", "192.168.99.0/31"}
			s.Spec.ExternalIPs = []string{"192.0.2.2"}
			s.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{{IP: "192.0.2.1"}}
		}, "a", "far")
		w.expect("b", "tcp", "192.0.2.1:80", "a 10.244.0.1,far 10.244.0.1")
		w.expectRefusal("outside", "tcp", "192.0.2.1:80", "timeout")
		w.expect("outside", "tcp", "192.0.2.2:80", "a 10.244.0.1,far 10.244.0.1")
	})
	t.Run("UDP follows its endpoints", func(t *testing.T) {
		w.t = t
		w.service("dns", "10.96.0.15", func(s *v1.Service) { nodePort(s); s.Spec.Ports[0].NodePort = 30082; s.Spec.Ports[1].NodePort = 30082 })
		cluster := w.socket("b", "10.96.0.15:80")
		node := w.socket("outside", "192.168.99.1:30082")
		follow := func(pod, when string) {
			t.Helper()
			for name, c := range map[string]net.Conn{"cluster IP": cluster, "node port": node} {
				var got string
				if !until(func() bool { got, _ = ask(c, 300*time.Millisecond); return strings.HasPrefix(got, pod+" ") }) {
					t.Errorf("%s, %s: %q, want %s", when, name, got, pod)
				}
			}
		}
		// Each socket keeps its port, so conntrack keeps its entry as long as it is asked.
		_, _ = ask(cluster, 50*time.Millisecond)
		_, _ = ask(node, 50*time.Millisecond)
		w.endpoints("dns", "a")
		follow("a", "the first endpoint")
		w.endpoints("dns", "far")
		follow("far", "another one")
		w.endpoints("dns", "a", "far")
		for range 20 {
			if got, err := ask(cluster, time.Second); !strings.HasPrefix(got, "far ") {
				t.Fatalf("a good entry was lost: %q %v", got, err)
			}
		}
		w.endpoints("dns", "a")
		follow("a", "back")
	})
	t.Run("no connection is lost while endpoints roll", func(t *testing.T) {
		w.t = t
		w.service("roll", "10.96.0.16", nil, "a")
		w.expect("b", "tcp", "10.96.0.16:80", "a 10.244.0.3")
		stop := make(chan struct{})
		lost := make(chan []string)
		go func() {
			var bad []string
			n := 0
			for {
				select {
				case <-stop:
					lost <- bad
					return
				default:
				}
				n++
				if got := w.get("b", "tcp", "10.96.0.16:80"); !strings.HasSuffix(got, " 10.244.0.3") {
					bad = append(bad, got)
				}
			}
		}()
		for i := range 30 {
			sets := [][]string{{"a", "far"}, {"far"}, {"far", "a"}, {"a"}}
			w.endpoints("roll", sets[i%4]...)
			time.Sleep(15 * time.Millisecond) // the pace of the roll-out, nothing is awaited
		}
		close(stop)
		if bad := <-lost; len(bad) > 0 {
			t.Errorf("lost connections: %v", bad)
		}
	})
	t.Run("a restart keeps connections and replaces the rules", func(t *testing.T) {
		w.t = t
		w.service("long", "10.96.0.17", nil, "a")
		w.expect("b", "tcp", "10.96.0.17:80", "a 10.244.0.3")
		c, err := w.dial("b", "tcp", "10.96.0.17:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w.stop()
		if got, err := ask(c, time.Second); err != nil || got != "a 10.244.0.3" {
			t.Errorf("after the proxy ended: %q %v", got, err)
		}
		w.expect("b", "tcp", "10.96.0.17:80", "a 10.244.0.3")
		w.service("long", "10.96.0.18", nil, "a") // another address while nobody looks
		w.run()
		if got, err := ask(c, time.Second); err != nil || got != "a 10.244.0.3" {
			t.Errorf("after a new proxy loaded its rules: %q %v", got, err)
		}
		w.expect("b", "tcp", "10.96.0.18:80", "a 10.244.0.3")
		if got := w.get("b", "tcp", "10.96.0.17:80"); got != "timeout" && got != "refused" && !strings.Contains(got, "no route") {
			t.Errorf("the old address still answers %q", got)
		}
	})
	t.Run("cleanup", func(t *testing.T) {
		w.t = t
		w.stop()
		w.in("node", func() error { return nftables.Cleanup(context.Background()) })
		if got := w.get("b", "tcp", "10.96.0.18:80"); strings.HasPrefix(got, "a ") {
			t.Errorf("still answers %q", got)
		}
	})
	w.t = t
}

// socket is a UDP socket with a port of its own.
func (w *kernelWorld) socket(from, address string) net.Conn {
	w.t.Helper()
	c, err := w.dial(from, "udp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}
