package nftables

import (
	"context"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/knftables"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// world is a cluster as a table sees it, step by step.
type world struct {
	t     *testing.T
	table *Table
	fake  *knftables.Fake
	node  services.Node
	now   time.Time
	all   map[types.NamespacedName]*services.Service
	local []netip.Addr
	out   string
}

func newWorld(t *testing.T, o Options) *world {
	family := knftables.IPv4Family
	if o.Family == services.IPv6 {
		family = knftables.IPv6Family
	}
	w := &world{t: t, fake: knftables.NewFake(family, TableName), now: time.Unix(1000, 0),
		all: map[types.NamespacedName]*services.Service{}}
	w.node = services.Node{Name: "here", IPs: [2]netip.Addr{netip.MustParseAddr("172.30.0.2"), netip.MustParseAddr("fd30::2")}}
	w.table = NewTable(o, w.fake, func() time.Time { return w.now })
	return w
}

// step makes the given ports (none: deletes it) the state of a service and records the transaction.
func (w *world) step(title, name string, ports ...*services.Port) {
	w.t.Helper()
	c := services.Change{Snapshot: &services.Snapshot{Services: w.all, Node: w.node,
		ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12"), netip.MustParsePrefix("fd00:10:96::/112")}},
		Before: map[types.NamespacedName]*services.Service{}}
	if name != "" {
		id := types.NamespacedName{Namespace: "ns", Name: name}
		c.Changed = []types.NamespacedName{id}
		if b := w.all[id]; b != nil {
			c.Before[id] = b
		}
		delete(w.all, id)
		if len(ports) > 0 {
			svc := &services.Service{Name: id}
			for _, p := range ports {
				q := *p
				q.Service = id
				svc.Ports = append(svc.Ports, &q)
			}
			w.all[id] = svc
		}
	}
	res, err := w.table.Sync(context.Background(), c, w.local)
	if err != nil {
		w.t.Fatalf("%s: %v", title, err)
	}
	w.out += "### " + title + "\n"
	if res.Operations > 0 {
		w.out += w.fake.LastTransaction.String()
	}
	w.now = w.now.Add(5 * time.Second)
}

func (w *world) golden(name string) {
	w.t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(w.out), 0o644); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), w.out); diff != "" {
		w.t.Errorf("transactions differ (rewrite with -update):\n%s", diff)
	}
}

func addrPorts(list ...string) (out []netip.AddrPort) {
	for _, s := range list {
		out = append(out, netip.MustParseAddrPort(s))
	}
	return out
}

func port(mod ...func(*services.Port)) *services.Port {
	p := &services.Port{Name: "http", Protocol: v1.ProtocolTCP, Port: 80, Reachable: true,
		ClusterIP: netip.MustParseAddr("10.96.0.10"), Cluster: addrPorts("10.244.0.2:8080", "10.244.1.2:8080")}
	for _, m := range mod {
		m(p)
	}
	return p
}

var options4 = Options{Family: services.IPv4, MasqueradeMark: 0x4000, NodePortPrimary: true,
	LocalTraffic: LocalTraffic{CIDR: netip.MustParsePrefix("10.244.0.0/16")}}

func TestTransactions(t *testing.T) {
	nodePort := func(p *services.Port) { p.NodePort = 30080 }
	sticky := func(p *services.Port) { p.AffinityTimeout = 10 * time.Second }
	here := func(p *services.Port) { p.Here = []netip.Addr{netip.MustParseAddr("10.244.0.2")} }
	local := func(p *services.Port) { p.ExternalLocal = true; p.Local = addrPorts("10.244.0.2:8080") }
	lb := func(p *services.Port) {
		p.LoadBalancerIPs = []netip.Addr{netip.MustParseAddr("198.51.100.1")}
		p.ExternalIPs = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	}
	without := func(p *services.Port) { p.Cluster, p.Local, p.Here, p.Reachable = nil, nil, nil, false }
	eps := func(list ...string) func(*services.Port) {
		return func(p *services.Port) { p.Cluster = addrPorts(list...) }
	}

	t.Run("cluster_ip", func(t *testing.T) {
		w := newWorld(t, options4)
		w.step("an empty cluster", "")
		w.step("a service", "svc", port(here))
		w.step("one endpoint more", "svc", port(here, eps("10.244.0.2:8080", "10.244.1.2:8080", "10.244.2.2:8080")))
		w.step("another service with three endpoints needs no chain", "other", port(func(p *services.Port) { p.ClusterIP = netip.MustParseAddr("10.96.0.11") }, eps("10.244.0.3:80", "10.244.1.3:80", "10.244.2.3:80")))
		w.step("an endpoint is replaced in its place", "svc", port(here, eps("10.244.0.2:8080", "10.244.9.9:8080", "10.244.2.2:8080")))
		w.step("no endpoints", "svc", port(without))
		w.step("endpoints again", "svc", port())
		w.step("nothing changed", "")
		w.step("deleted", "svc")
		w.golden("cluster_ip")
	})
	t.Run("external", func(t *testing.T) {
		w := newWorld(t, options4)
		w.step("node port", "np", port(nodePort))
		w.step("external policy Local", "np", port(nodePort, local))
		w.step("external policy Local, no endpoint here", "np", port(nodePort, local, func(p *services.Port) { p.Local = nil }))
		w.step("without endpoints", "np", port(nodePort, without))
		w.step("load balancer with source ranges", "lb", port(lb, nodePort, func(p *services.Port) {
			p.ClusterIP = netip.MustParseAddr("10.96.0.12")
			p.NodePort = 30081
			p.SourceRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.30.0.0/16")}
		}))
		w.step("another service claims the external address and must wait", "zz", port(lb, eps("10.244.7.7:80"), func(p *services.Port) { p.ClusterIP = netip.MustParseAddr("10.96.0.13") }))
		w.step("and gets it", "lb")
		w.step("what is stale goes", "")
		w.golden("external")
	})
	t.Run("affinity", func(t *testing.T) {
		w := newWorld(t, options4)
		w.step("session affinity", "svc", port(sticky, nodePort))
		w.step("one endpoint for another", "svc", port(sticky, nodePort, eps("10.244.0.2:8080", "10.244.2.2:8080")))
		w.step("what is stale goes", "")
		w.step("external policy Local", "svc", port(sticky, nodePort, local))
		w.step("no affinity any more", "svc", port(nodePort))
		w.step("what is stale goes", "")
		w.golden("affinity")
	})
	t.Run("internal_local", func(t *testing.T) {
		w := newWorld(t, options4)
		internal := func(p *services.Port) { p.InternalLocal = true; p.Local = addrPorts("10.244.0.2:8080") }
		w.step("internal policy Local", "svc", port(internal))
		w.step("no endpoint here", "svc", port(internal, func(p *services.Port) { p.Local = nil }))
		w.golden("internal_local")
	})
	t.Run("ipv6", func(t *testing.T) {
		w := newWorld(t, Options{Family: services.IPv6, MasqueradeMark: 0x8000, MasqueradeAll: true})
		w.step("a service in both families", "svc", port(), port(nodePort, func(p *services.Port) {
			p.Family = services.IPv6
			p.ClusterIP = netip.MustParseAddr("fd00:10:96::a")
			p.Cluster = addrPorts("[fd01::2]:8080")
			p.Protocol = v1.ProtocolUDP
		}))
		w.golden("ipv6")
	})
	t.Run("settings", func(t *testing.T) {
		o := options4
		o.LocalTraffic = LocalTraffic{Interface: "veth*"}
		o.NodePortPrimary = false
		o.NodePortAddresses = []netip.Prefix{netip.MustParsePrefix("172.30.0.0/16")}
		o.DropInvalid = true
		w := newWorld(t, o)
		w.local = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("172.30.0.2"), netip.MustParseAddr("192.168.0.1")}
		w.step("interface prefix, node port range", "")
		w.local = append(w.local, netip.MustParseAddr("172.30.0.3"))
		w.step("an address more", "")
		w.golden("settings")
	})
}

// TestDifferencesLeadToTheSameTable makes random changes and compares the table
// that they led to with one that was loaded at once.
func TestDifferencesLeadToTheSameTable(t *testing.T) {
	w := newWorld(t, options4)
	seed := uint32(1)
	random := func(n int) int { seed = seed*1664525 + 1013904223; return int(seed>>16) % n }
	for range 400 {
		id := random(12)
		name := string(rune('a' + id))
		if random(5) == 0 {
			w.step("", name)
			continue
		}
		p := port(func(p *services.Port) {
			p.ClusterIP = netip.AddrFrom4([4]byte{10, 96, 1, byte(id)})
			p.Cluster, p.Local = nil, nil
			for j := range random(5) {
				p.Cluster = append(p.Cluster, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 244, byte(random(3)), byte(j)}), 8080))
			}
			p.Reachable = len(p.Cluster) > 0
			if random(2) == 0 {
				p.NodePort = uint16(30000 + id)
			}
			if random(3) == 0 {
				p.AffinityTimeout = time.Duration(1+random(2)) * time.Minute
			}
			if random(3) == 0 {
				p.ExternalLocal = true
				p.Local = p.Cluster[:len(p.Cluster)/2]
			}
			if random(4) == 0 { // several claim the same address
				p.ExternalIPs = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
			}
			if random(4) == 0 {
				p.LoadBalancerIPs = []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(id)})}
				p.SourceRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}
			if len(p.Cluster) > 0 {
				p.Here = []netip.Addr{p.Cluster[0].Addr()}
			}
		})
		w.step("", name, p)
	}
	w.step("", "") // tidy
	w.step("", "")
	fresh := newWorld(t, options4)
	fresh.all = w.all
	fresh.step("", "")
	// Shared chains stay for good, so those that are not used now are left out.
	for shared := range w.table.rules.shared {
		if !fresh.table.rules.shared[shared] {
			tx := fresh.fake.NewTransaction()
			c := shared.chain(fresh.table.opts)
			tx.Add(c.object())
			for _, r := range c.Rules {
				tx.Add(&knftables.Rule{Chain: c.Name, Rule: r})
			}
			if err := fresh.fake.Run(context.Background(), tx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(canonical(fresh.fake.Dump()), canonical(w.fake.Dump())); diff != "" {
		t.Errorf("400 changes did not lead to the state that one load makes (-load +changes):\n%s", diff)
	}
}

// canonical puts elements, which have no order, in one, and leaves comments out: who
// of two owners of the same element is named there depends on the history.
func canonical(dump string) []string {
	comments := regexp.MustCompile(` comment "[^"]*"`)
	var elements, rest []string
	for _, line := range strings.Split(comments.ReplaceAllString(dump, ""), "\n") {
		if strings.HasPrefix(line, "add element") {
			elements = append(elements, line)
		} else {
			rest = append(rest, line)
		}
	}
	slices.Sort(elements)
	return append(rest, elements...)
}

func TestFailureLoadsEverything(t *testing.T) {
	w := newWorld(t, options4)
	w.step("", "svc", port())
	tx := w.fake.NewTransaction()
	tx.Delete(&knftables.Table{})
	if err := w.fake.Run(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
	c := services.Change{Snapshot: &services.Snapshot{Services: map[types.NamespacedName]*services.Service{}, Node: w.node},
		Changed: []types.NamespacedName{{Namespace: "ns", Name: "svc"}}, Before: w.all}
	if _, err := w.table.Sync(context.Background(), c, nil); err == nil {
		t.Fatal("no error although the table is gone")
	}
	res, err := w.table.Sync(context.Background(), services.Change{Snapshot: c.Snapshot}, nil)
	if err != nil || !res.Full {
		t.Errorf("full %v, error %v", res.Full, err)
	}
}

func TestPresent(t *testing.T) {
	w := newWorld(t, options4)
	if w.table.Present(context.Background()) {
		t.Error("present before the first load")
	}
	w.step("", "")
	if !w.table.Present(context.Background()) {
		t.Error("not present after the load")
	}
	tx := w.fake.NewTransaction()
	tx.Delete(&knftables.Table{})
	if err := w.fake.Run(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
	if w.table.Present(context.Background()) {
		t.Error("present although it was deleted")
	}
}
