package nodelifecycle

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
)

// zones decides how fast nodes may be evicted, zone by zone.
type zones struct {
	settings Settings
	clock    clock.PassiveClock

	mu    sync.Mutex
	nodes map[string]member // by node name
	zones map[string]*zone
}

type member struct {
	zone  string
	ready bool
}

type zone struct {
	total, unready int
	limiter        *rate.Limiter
}

func newZones(s Settings, c clock.PassiveClock) *zones {
	return &zones{settings: s, clock: c, nodes: map[string]member{}, zones: map[string]*zone{}}
}

// zoneOf names a node's zone.
func zoneOf(n *v1.Node) string {
	return n.Labels[v1.LabelTopologyRegion] + "\x00" + n.Labels[v1.LabelTopologyZone]
}

// set counts the node in its zone.
func (z *zones) set(node, name string, ready bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.take(node)
	zn := z.zones[name]
	if zn == nil {
		zn = &zone{limiter: rate.NewLimiter(rate.Limit(z.settings.EvictionRate), 1)}
		z.zones[name] = zn
	}
	zn.total++
	if !ready {
		zn.unready++
	}
	z.nodes[node] = member{name, ready}
}

func (z *zones) remove(node string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.take(node)
	delete(z.nodes, node)
}

func (z *zones) take(node string) {
	m, ok := z.nodes[node]
	if !ok {
		return
	}
	zn := z.zones[m.zone]
	zn.total--
	if !m.ready {
		zn.unready--
	}
}

// allFailed is true when no zone has a ready node.
func (z *zones) allFailed() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.allFailedLocked()
}

func (z *zones) allFailedLocked() bool {
	total := 0
	for _, zn := range z.zones {
		total += zn.total
		if zn.unready < zn.total {
			return false
		}
	}
	return total > 0
}

// admit takes a token for evicting one node of the zone. When there is none it says how long to wait.
func (z *zones) admit(name string) (bool, time.Duration) {
	z.mu.Lock()
	defer z.mu.Unlock()
	zn := z.zones[name]
	if zn == nil {
		return true, 0
	}
	limit := z.rateOf(zn)
	if limit <= 0 {
		return false, stoppedRetry
	}
	now := z.clock.Now()
	if zn.limiter.Limit() != limit {
		zn.limiter.SetLimitAt(now, limit)
	}
	if zn.limiter.AllowN(now, 1) {
		return true, 0
	}
	return false, time.Duration(float64(time.Second) / float64(limit))
}

// stoppedRetry is when a node of a stopped zone is looked at again, if nothing else in the cluster changes.
const stoppedRetry = 5 * time.Second

// rateOf: a zone that has failed entirely, while others have not, is evicted at full rate, as its pods can run elsewhere; one
// that is failing is slowed down; a small one stops.
func (z *zones) rateOf(zn *zone) rate.Limit {
	s := z.settings
	switch {
	case z.allFailedLocked():
		return 0
	case zn.unready == zn.total:
		return rate.Limit(s.EvictionRate)
	case zn.unready > 2 && float32(zn.unready)/float32(zn.total) >= s.UnhealthyZoneThreshold:
		if int32(zn.total) > s.LargeClusterThreshold {
			return rate.Limit(s.SecondaryEvictionRate)
		}
		return 0
	}
	return rate.Limit(s.EvictionRate)
}
