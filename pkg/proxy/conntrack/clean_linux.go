package conntrack

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Clean deletes the flows that s matches and returns how many they were.
func Clean(family services.Family, s *Stale) (int, error) {
	if !s.Any() {
		return 0, nil
	}
	af := netlink.InetFamily(unix.AF_INET)
	if family == services.IPv6 {
		af = unix.AF_INET6
	}
	n, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, af, matcher{s})
	if err != nil {
		return int(n), fmt.Errorf("deleting stale UDP conntrack entries of family %s: %w", family, err)
	}
	return int(n), nil
}

// matcher offers Stale to the netlink library.
type matcher struct{ *Stale }

func (m matcher) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	if f.Forward.Protocol != unix.IPPROTO_UDP {
		return false
	}
	dst, ok1 := netip.AddrFromSlice(f.Forward.DstIP)
	src, ok2 := netip.AddrFromSlice(f.Reverse.SrcIP)
	return ok1 && ok2 && m.Match(Flow{
		Destination: netip.AddrPortFrom(dst.Unmap(), f.Forward.DstPort),
		ReplySource: netip.AddrPortFrom(src.Unmap(), f.Reverse.SrcPort),
	})
}
