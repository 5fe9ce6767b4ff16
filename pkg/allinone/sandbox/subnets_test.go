package sandbox

import (
	"net/netip"
	"strings"
	"testing"
)

func host(routes ...string) map[netip.Prefix]string {
	m := map[netip.Prefix]string{}
	for _, r := range routes {
		prefix, link, _ := strings.Cut(r, " ")
		m[netip.MustParsePrefix(prefix)] = link
	}
	return m
}

func TestChooseSlot(t *testing.T) {
	all := map[int]bool{}
	for n := range slots {
		all[n] = true
	}
	cases := []struct {
		name  string
		taken map[int]bool
		host  map[netip.Prefix]string
		want  int
		fails bool
	}{
		{"nothing there", nil, host("192.0.2.0/24 eth0"), 0, false},
		{"the first is another cluster's", map[int]bool{0: true}, nil, 1, false},
		{"a gap is filled", map[int]bool{0: true, 2: true}, nil, 1, false},
		{"the machine has a route into services", nil, host("10.100.3.0/24 eth0"), 1, false},
		{"the machine has a wide route over pods", nil, host("10.160.0.0/14 vpn"), 4, false},
		{"a route over everything of ours", nil, host("10.0.0.0/8 vpn"), 0, true},
		{"our own link from before does not count", nil, host("10.99.0.0/24 tiphys0"), 0, false},
		{"all taken", all, nil, 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := chooseSlot(c.taken, c.host)
			if (err != nil) != c.fails || got != c.want {
				t.Errorf("chooseSlot = %d, %v; want %d", got, err, c.want)
			}
		})
	}
}

// Clusters live side by side: no range of one slot may touch any of another.
func TestSlotsDoNotOverlap(t *testing.T) {
	var seen []netip.Prefix
	for slot := range slots {
		n := networkOf(slot)
		for _, p := range []netip.Prefix{n.Link, n.Pods, n.Services} {
			for _, other := range seen {
				if p.Overlaps(other) {
					t.Fatalf("slot %d: %s overlaps with %s", slot, p, other)
				}
			}
			seen = append(seen, p)
		}
		if !n.Link.Contains(n.Node()) || !n.Link.Contains(n.Host()) || !n.Services.Contains(n.DNS()) {
			t.Errorf("slot %d: %s %s %s outside their ranges", slot, n.Host(), n.Node(), n.DNS())
		}
		if len(hostLink(slot)) > 15 {
			t.Errorf("slot %d: the kernel takes no link name of %d letters", slot, len(hostLink(slot)))
		}
	}
}
