package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/proxy/config"
)

// A kernelWorld is a node, three pods and a client outside, each in a network
// namespace of its own that nothing else knows of and that goes with the test.
//
//	outside 192.168.99.2 --- 192.168.99.1 node 10.244.0.1 --- pod a 10.244.0.2, pod b 10.244.0.3 (on this node)
//	                                                    \--- pod far 10.244.1.2 (said to be on another node)
type kernelWorld struct {
	t      *testing.T
	ns     map[string]netns.NsHandle
	client *fake.Clientset
	stop   func()
}

var podIPs = map[string][2]string{
	"a":   {"10.244.0.2", "fd01::2"},
	"b":   {"10.244.0.3", "fd01::3"},
	"far": {"10.244.1.2", "fd01:1::2"},
}

func newKernelWorld(t *testing.T) *kernelWorld {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("needs the nft program")
	}
	w := &kernelWorld{t: t, ns: map[string]netns.NsHandle{}, client: fake.NewClientset()}
	for _, name := range []string{"node", "outside", "a", "b", "far"} {
		w.addNamespace(name)
	}
	w.in("node", func() error {
		for path, v := range map[string]string{"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"} {
			if err := os.WriteFile("/proc/sys/"+path, []byte(v), 0); err != nil {
				return err
			}
		}
		return nil
	})
	w.connect("outside", []string{"192.168.99.1/24", "fd99::1/64"}, []string{"192.168.99.2/24", "fd99::2/64"})
	w.route("outside", "10.96.0.0/12", "192.168.99.1")
	w.route("outside", "192.0.2.0/24", "192.168.99.1")
	w.route("outside", "fd96::/112", "fd99::1")
	w.route("node", "10.96.0.0/12", "192.168.99.2") // as a default route would
	w.route("node", "fd96::/112", "fd99::2")
	for _, pod := range []string{"a", "b", "far"} {
		ips := podIPs[pod]
		w.connect(pod, []string{"10.244.0.1/32", "fd01::1/128"}, []string{ips[0] + "/32", ips[1] + "/128"})
		w.serve(pod)
	}
	return w
}

func (w *kernelWorld) addNamespace(name string) {
	w.t.Helper()
	made := make(chan error)
	go func() {
		// The thread is never unlocked, so it ends with the goroutine.
		runtime.LockOSThread()
		h, err := netns.New()
		w.ns[name] = h
		made <- err
	}()
	if err := <-made; err != nil {
		w.t.Fatalf("making a network namespace: %v", err)
	}
	w.t.Cleanup(func() { h := w.ns[name]; h.Close() })
	w.link(name, func(h *netlink.Handle) error {
		lo, err := h.LinkByName("lo")
		if err != nil {
			return err
		}
		return h.LinkSetUp(lo)
	})
}

// in runs f on a thread inside a namespace.
func (w *kernelWorld) in(name string, f func() error) {
	w.t.Helper()
	if err := w.try(name, f); err != nil {
		w.t.Fatalf("in %s: %v", name, err)
	}
}

func (w *kernelWorld) try(name string, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good
		if err := netns.Set(w.ns[name]); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (w *kernelWorld) link(name string, f func(*netlink.Handle) error) {
	w.t.Helper()
	h, err := netlink.NewHandleAt(w.ns[name])
	if err != nil {
		w.t.Fatal(err)
	}
	defer h.Close()
	if err := f(h); err != nil {
		w.t.Fatalf("links of %s: %v", name, err)
	}
}

// connect joins a namespace with the node.
func (w *kernelWorld) connect(name string, nodeAddrs, addrs []string) {
	w.t.Helper()
	w.link("node", func(h *netlink.Handle) error {
		la := netlink.NewLinkAttrs()
		la.Name = "to-" + name
		veth := &netlink.Veth{LinkAttrs: la, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(w.ns[name]))}
		if err := h.LinkAdd(veth); err != nil {
			return err
		}
		return up(h, la.Name, nodeAddrs)
	})
	w.link(name, func(h *netlink.Handle) error { return up(h, "eth0", addrs) })
	if !strings.HasSuffix(addrs[0], "/32") {
		return
	}
	// Point to point, as the ptp plugin does: all traffic of pods passes the node.
	for i, a := range addrs {
		gateway := nodeAddrs[i][:strings.Index(nodeAddrs[i], "/")]
		w.link("node", func(h *netlink.Handle) error { return routeTo(h, "to-"+name, a, "") })
		w.link(name, func(h *netlink.Handle) error {
			if err := routeTo(h, "eth0", nodeAddrs[i], ""); err != nil {
				return err
			}
			all := "0.0.0.0/0"
			if strings.Contains(a, ":") {
				all = "::/0"
			}
			return routeTo(h, "eth0", all, gateway)
		})
	}
}

func up(h *netlink.Handle, name string, addrs []string) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	for _, s := range addrs {
		a, err := netlink.ParseAddr(s)
		if err != nil {
			return err
		}
		if strings.Contains(s, ":") {
			a.Flags = syscall.IFA_F_NODAD
		}
		if err := h.AddrAdd(l, a); err != nil {
			return err
		}
	}
	return h.LinkSetUp(l)
}

func routeTo(h *netlink.Handle, dev, dst, gateway string) error {
	_, n, err := net.ParseCIDR(dst)
	if err != nil {
		return err
	}
	r := &netlink.Route{Dst: n}
	if dev != "" {
		l, err := h.LinkByName(dev)
		if err != nil {
			return err
		}
		r.LinkIndex = l.Attrs().Index
	}
	if gateway == "" {
		r.Scope = netlink.SCOPE_LINK
	} else {
		r.Gw = net.ParseIP(gateway)
	}
	return h.RouteReplace(r)
}

func (w *kernelWorld) route(name, dst, gateway string) {
	w.t.Helper()
	w.link(name, func(h *netlink.Handle) error { return routeTo(h, "", dst, gateway) })
}

// serve answers on port 8080 of a pod, TCP and UDP, with the pod's name and the client's address.
func (w *kernelWorld) serve(pod string) {
	w.t.Helper()
	w.in(pod, func() error {
		l, err := net.Listen("tcp", ":8080")
		if err != nil {
			return err
		}
		u, err := net.ListenPacket("udp", ":8080")
		if err != nil {
			return err
		}
		w.t.Cleanup(func() { l.Close(); u.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					r := bufio.NewScanner(c)
					for r.Scan() { // a line for a line, as long as the client wants
						fmt.Fprintf(c, "%s %s\n", pod, peer(c.RemoteAddr()))
					}
				}()
			}
		}()
		go func() {
			buf := make([]byte, 100)
			for {
				_, from, err := u.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = u.WriteTo([]byte(pod+" "+peer(from)+"\n"), from)
			}
		}()
		return nil
	})
}

func peer(a net.Addr) string {
	p := netip.MustParseAddrPort(a.String())
	return p.Addr().Unmap().String()
}

// ask sends a line over a connection and returns the answer.
func ask(c net.Conn, wait time.Duration) (string, error) {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(c, "who?"); err != nil {
		return "", err
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	return strings.TrimSpace(string(buf[:n])), err
}

// dial opens a connection from a namespace; it may be used anywhere afterwards.
func (w *kernelWorld) dial(from, network, address string) (net.Conn, error) {
	var c net.Conn
	err := w.try(from, func() error {
		var err error
		// A refusal that comes while connect is still busy counts only for the second SYN, a second later.
		c, err = net.DialTimeout(network, address, 1500*time.Millisecond)
		return err
	})
	return c, err
}

// get asks once: the answer, or "refused", "timeout", or the error.
func (w *kernelWorld) get(from, network, address string) string {
	c, err := w.dial(from, network, address)
	if err == nil {
		defer c.Close()
		var s string
		if s, err = ask(c, time.Second); err == nil {
			return s
		}
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return err.Error()
}

// answers asks until no new answer has come for a while and returns all of them.
func (w *kernelWorld) answers(from, network, address string) map[string]bool {
	out := map[string]bool{}
	for range 40 {
		out[w.get(from, network, address)] = true
	}
	return out
}

// run starts a proxy on the node.
func (w *kernelWorld) run() {
	w.t.Helper()
	cfg := config.New()
	cfg.Mode = config.ModeNFTables
	cfg.ClusterCIDR = "10.244.0.0/16,fd01::/32"
	config.SetDefaults(cfg)
	cfg.NFTables.MinSyncPeriod.Duration = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactory(w.client, 0)
	ready := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // nft, netlink and listening sockets belong to the node
		err := netns.Set(w.ns["node"])
		var p *Proxy
		if err == nil {
			p, err = New(Config{Configuration: cfg, NodeName: "here",
				NodeIPs:        []netip.Addr{netip.MustParseAddr("192.168.99.1"), netip.MustParseAddr("fd99::1")},
				Services:       factory.Core().V1().Services(),
				EndpointSlices: factory.Discovery().V1().EndpointSlices(),
				Nodes:          factory.Core().V1().Nodes(),
				Listen: func(ctx context.Context, address string) (net.Listener, error) {
					return w.listen(address)
				}})
		}
		if err != nil {
			failed <- err
			return
		}
		factory.Start(ctx.Done())
		go func() { <-p.Ready(); close(ready) }()
		failed <- p.Run(ctx)
	}()
	w.stop = sync.OnceFunc(func() {
		cancel()
		factory.Shutdown()
		if err := <-failed; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(func() { w.stop() })
	select {
	case <-ready:
	case err := <-failed:
		failed <- nil
		w.t.Fatalf("proxy: %v", err)
	case <-time.After(20 * time.Second):
		w.t.Fatal("the proxy is not ready")
	}
}

// listen opens a port on the node, from whatever thread.
func (w *kernelWorld) listen(address string) (l net.Listener, err error) {
	err = w.try("node", func() error {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}

// service creates or replaces a service, TCP and UDP on port 80, with pods as endpoints.
func (w *kernelWorld) service(name, ip string, mod func(*v1.Service), pods ...string) {
	w.t.Helper()
	ctx := context.Background()
	svc := &v1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec: v1.ServiceSpec{Type: v1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip},
			Ports: []v1.ServicePort{{Name: "t", Port: 80, Protocol: v1.ProtocolTCP}, {Name: "u", Port: 80, Protocol: v1.ProtocolUDP}}}}
	if mod != nil {
		mod(svc)
	}
	api := w.client.CoreV1().Services("ns")
	if _, err := api.Update(ctx, svc, metav1.UpdateOptions{}); err != nil {
		if _, err := api.Create(ctx, svc, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.endpoints(name, pods...)
}

func (w *kernelWorld) endpoints(service string, pods ...string) {
	w.t.Helper()
	ctx := context.Background()
	api := w.client.DiscoveryV1().EndpointSlices("ns")
	for i, kind := range []discovery.AddressType{discovery.AddressTypeIPv4, discovery.AddressTypeIPv6} {
		s := &discovery.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: service + "-" + strings.ToLower(string(kind)),
			Labels: map[string]string{discovery.LabelServiceName: service}}, AddressType: kind,
			Ports: []discovery.EndpointPort{{Name: ptr.To("t"), Port: ptr.To[int32](8080), Protocol: ptr.To(v1.ProtocolTCP)},
				{Name: ptr.To("u"), Port: ptr.To[int32](8080), Protocol: ptr.To(v1.ProtocolUDP)}}}
		for _, pod := range pods {
			node := "here"
			if pod == "far" {
				node = "there"
			}
			s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addresses: []string{podIPs[pod][i]}, NodeName: &node})
		}
		if _, err := api.Update(ctx, s, metav1.UpdateOptions{}); err != nil {
			if _, err := api.Create(ctx, s, metav1.CreateOptions{}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
