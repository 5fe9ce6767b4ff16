package podnetwork

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"

	"tiphys.dev/tiphys/pkg/allinone/cni"
)

// inNewNetwork moves the test's thread into a network namespace of its own, with one interface. The
// thread is not given back: it ends with the test.
func inNewNetwork(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace can be made here: %v", err)
	}
	addLink(t, "eth0", "192.0.2.1/24")
}

func addLink(t *testing.T, name, address string) netlink.Link {
	t.Helper()
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}); err != nil {
		t.Fatal(err)
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	a, err := netlink.ParseAddr(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(l, a); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	return l
}

func destinations(t *testing.T) []string {
	t.Helper()
	have, err := kernel{}.routes()
	if err != nil {
		t.Fatal(err)
	}
	lines := describe(have)
	slices.Sort(lines)
	return lines
}

func TestRoutesFollowTheNodes(t *testing.T) {
	inNewNetwork(t)
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else's route, which must survive everything.
	foreign := &netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: net.IPv4(192, 0, 2, 9), Dst: &net.IPNet{IP: net.IPv4(10, 1, 0, 0), Mask: net.CIDRMask(16, 32)}}
	if err := netlink.RouteAdd(foreign); err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset()
	factory := informers.NewSharedInformerFactory(client, 0)
	events := record.NewFakeRecorder(10)
	conf := t.TempDir()
	n, err := New(Config{NodeName: "n1", Nodes: factory.Core().V1().Nodes(), CNI: cni.Config{ConfDir: conf, DataDir: "/x"}, Events: events})
	if err != nil {
		t.Fatal(err)
	}
	store := factory.Core().V1().Nodes().Informer().GetStore()
	sync := func(want ...string) {
		t.Helper()
		// On this thread, which is in the namespace.
		if err := n.Sync(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if got := destinations(t); !slices.Equal(got, want) {
			t.Errorf("routes %q, want %q", got, want)
		}
	}
	put := func(nodes ...*v1.Node) {
		t.Helper()
		for _, one := range nodes {
			if err := store.Update(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(node("n1", "10.244.0.0/24", "192.0.2.1"), node("n2", "10.244.1.0/24", "192.0.2.2"), node("n3", "10.244.2.0/24", "203.0.113.3"))
	sync("10.244.1.0/24 via 192.0.2.2")
	sync("10.244.1.0/24 via 192.0.2.2")
	if got, err := cni.Ranges(conf); err != nil || !slices.Equal(got, []netip.Prefix{netip.MustParsePrefix("10.244.0.0/24")}) {
		t.Errorf("configured ranges %v, %v", got, err)
	}
	if len(events.Events) != 1 { // once, not for every pass
		t.Errorf("%d events", len(events.Events))
	}
	put(node("n2", "10.244.1.0/24", "192.0.2.22"), node("n3", "10.244.2.0/24", "192.0.2.3"))
	sync("10.244.1.0/24 via 192.0.2.22", "10.244.2.0/24 via 192.0.2.3")
	if err := store.Delete(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n2"}}); err != nil {
		t.Fatal(err)
	}
	sync("10.244.2.0/24 via 192.0.2.3")
	// A link that goes takes its routes along; the next pass brings them back.
	if err := netlink.LinkSetDown(eth0); err != nil {
		t.Fatal(err)
	}
	sync()
	if err := netlink.LinkSetUp(eth0); err != nil {
		t.Fatal(err)
	}
	sync("10.244.2.0/24 via 192.0.2.3")
	if err := netlink.RouteAdd(foreign); err != nil {
		t.Fatal(err)
	}

	// Our own node was deleted and has come back with another range.
	bridge := addLink(t, cni.BridgeName, "10.244.0.1/24")
	put(node("n1", "10.244.7.0/24", "192.0.2.1"))
	sync("10.244.2.0/24 via 192.0.2.3")
	// The bridge plugin takes the first, the pods from before have the second.
	if left, err := netlink.AddrList(bridge, netlink.FAMILY_V4); err != nil || len(left) != 2 ||
		left[0].IPNet.String() != "10.244.7.1/24" || left[1].IPNet.String() != "10.244.0.1/24" {
		t.Errorf("addresses on the bridge %v, %v", left, err)
	}
	if got, err := cni.Ranges(conf); err != nil || len(got) != 1 || got[0].String() != "10.244.7.0/24" {
		t.Errorf("configured ranges %v, %v", got, err)
	}

	// Somebody installs another network: everything of ours goes.
	if err := os.WriteFile(conf+"/05-other.conflist", []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	sync()
	if got, err := cni.Ranges(conf); err != nil || got != nil {
		t.Errorf("configured ranges %v, %v", got, err)
	}
	left, err := netlink.RouteListFiltered(netlink.FAMILY_V4, foreign, netlink.RT_FILTER_DST)
	if err != nil || len(left) != 1 {
		t.Errorf("the other's route: %v, %v", left, err)
	}
}
