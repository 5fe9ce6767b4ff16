package podnetwork

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func node(name string, cidrs string, addresses ...string) *v1.Node {
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if cidrs != "" {
		n.Spec.PodCIDRs = strings.Split(cidrs, ",")
		n.Spec.PodCIDR = n.Spec.PodCIDRs[0]
	}
	n.Status.Addresses = append(n.Status.Addresses, v1.NodeAddress{Type: v1.NodeHostName, Address: name})
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, v1.NodeAddress{Type: v1.NodeInternalIP, Address: a})
	}
	return n
}

func TestPlan(t *testing.T) {
	links := []link{
		{2, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}},
		{3, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
	}
	self := node("n1", "10.244.0.0/24", "192.0.2.1")
	for _, c := range []struct {
		name     string
		nodes    []*v1.Node
		routes   []string
		problems []string
	}{
		{"alone", nil, nil, nil},
		{"one neighbour", []*v1.Node{node("n2", "10.244.1.0/24", "192.0.2.2")}, []string{"10.244.1.0/24 via 192.0.2.2 on 2"}, nil},
		{"on another interface", []*v1.Node{node("n2", "10.244.1.0/24", "198.51.100.9")}, []string{"10.244.1.0/24 via 198.51.100.9 on 3"}, nil},
		{"a second address is the one nearby", []*v1.Node{node("n2", "10.244.1.0/24", "203.0.113.2", "192.0.2.2")}, []string{"10.244.1.0/24 via 192.0.2.2 on 2"}, nil},
		{"no range yet", []*v1.Node{node("n2", "", "192.0.2.2")}, nil, nil},
		{"no address yet", []*v1.Node{node("n2", "10.244.1.0/24")}, nil, []string{"n2: it has no address of the family"}},
		{"another subnet", []*v1.Node{node("n2", "10.244.1.0/24", "203.0.113.2"), node("n3", "10.244.2.0/24", "192.0.2.3")},
			[]string{"10.244.2.0/24 via 192.0.2.3 on 2"}, []string{"n2: its address 203.0.113.2 is in no subnet of this node"}},
		{"both families", []*v1.Node{node("n2", "10.244.1.0/24,fd00:1::/64", "192.0.2.2", "2001:db8::2")},
			[]string{"10.244.1.0/24 via 192.0.2.2 on 2", "fd00:1::/64 via 2001:db8::2 on 2"}, nil},
		{"one family only", []*v1.Node{node("n2", "10.244.1.0/24,fd00:1::/64", "192.0.2.2")},
			[]string{"10.244.1.0/24 via 192.0.2.2 on 2"}, []string{"n2: it has no address of the family"}},
		{"a range twice", []*v1.Node{node("n3", "10.244.1.0/24", "192.0.2.3"), node("n2", "10.244.1.0/24", "192.0.2.2")},
			[]string{"10.244.1.0/24 via 192.0.2.2 on 2"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			routes, problems := plan("n1", append([]*v1.Node{self}, c.nodes...), links)
			var got []string
			for _, r := range routes {
				got = append(got, fmt.Sprintf("%s via %s on %d", r.dst, r.via, r.link))
			}
			if !slices.Equal(got, c.routes) {
				t.Errorf("routes %q, want %q", got, c.routes)
			}
			if len(problems) != len(c.problems) {
				t.Fatalf("problems %v, want %q", problems, c.problems)
			}
			for i, p := range problems {
				if !strings.HasPrefix(p.node+": "+p.why, c.problems[i]) {
					t.Errorf("problem %v, want %q", p, c.problems[i])
				}
			}
		})
	}
}

func TestDifference(t *testing.T) {
	at := func(dst, via string) route {
		return route{netip.MustParsePrefix(dst), netip.MustParseAddr(via), 2}
	}
	a, b, moved := at("10.244.1.0/24", "192.0.2.2"), at("10.244.2.0/24", "192.0.2.3"), at("10.244.1.0/24", "192.0.2.9")
	for _, c := range []struct {
		name                    string
		have, want, add, remove []route
	}{
		{"nothing to do", []route{a, b}, []route{a, b}, nil, nil},
		{"a new node", []route{a}, []route{a, b}, []route{b}, nil},
		{"a node is gone", []route{a, b}, []route{a}, nil, []route{b}},
		// Replaced in one step: removing the old one would take the new one away.
		{"another address", []route{a}, []route{moved}, []route{moved}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			add, remove := difference(c.have, c.want)
			if !slices.Equal(add, c.add) || !slices.Equal(remove, c.remove) {
				t.Errorf("add %v remove %v, want %v and %v", add, remove, c.add, c.remove)
			}
		})
	}
}
