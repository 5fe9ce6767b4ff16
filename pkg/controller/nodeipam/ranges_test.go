package nodeipam

import (
	"errors"
	"net/netip"
	"testing"
)

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name, cluster string
		bits          int
		taken, want   []string
	}{
		{"v4", "10.244.0.0/16", 24, []string{"10.244.0.0/24", "10.244.2.0/24"}, []string{"10.244.1.0/24", "10.244.3.0/24"}},
		{"v4 full", "10.0.0.0/23", 24, []string{"10.0.1.0/24"}, []string{"10.0.0.0/24", ""}},
		{"v6", "fd00:10::/48", 64, []string{"fd00:10::/64"}, []string{"fd00:10:0:1::/64"}},
		{"other range is not counted", "10.0.0.0/24", 25, []string{"10.9.0.0/25"}, []string{"10.0.0.0/25", "10.0.0.128/25", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newRanges(netip.MustParsePrefix(c.cluster), c.bits)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range c.taken {
				r.reserve(netip.MustParsePrefix(p), 1)
			}
			for _, want := range c.want {
				got, err := r.take()
				if want == "" {
					if !errors.Is(err, errFull) {
						t.Errorf("got %s, %v; want a full range", got, err)
					}
				} else if err != nil || got.String() != want {
					t.Errorf("got %s, %v; want %s", got, err, want)
				}
			}
			r.reserve(netip.MustParsePrefix(c.want[0]), -1)
			if len(c.want) > 1 && c.want[len(c.want)-1] == "" {
				if got, err := r.take(); err != nil || got.String() != c.want[0] {
					t.Errorf("after release: %s, %v", got, err)
				}
			}
		})
	}
}
