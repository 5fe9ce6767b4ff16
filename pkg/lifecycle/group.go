package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/utils/clock"
)

// Config describes a Group.
type Config struct {
	Members []Member
	// Backoff of restarts; the zero value means DefaultBackoff.
	Backoff Backoff
	// OnEvent, if set, is called for every change of phase, from the member's goroutine: calls
	// for different members may overlap.
	OnEvent func(Event)
	// Clock is the real one unless a test says otherwise.
	Clock clock.Clock
}

// Group runs members. It can be run once.
type Group struct {
	members []*member
	byName  map[string]*member
	backoff Backoff
	onEvent func(Event)
	clock   clock.Clock
}

// member is a Member with its signals.
type member struct {
	Member
	needs      []*member
	dependents []*member
	cancel     context.CancelFunc
	// ready is closed at the first readiness, ended when supervision is over, released when
	// those it needs may stop (ended, or its grace is over).
	ready, ended, released chan struct{}
}

// New checks that names are unique, that needs exist and that they form no circle.
func New(cfg Config) (*Group, error) {
	g := &Group{
		byName:  make(map[string]*member, len(cfg.Members)),
		backoff: cfg.Backoff,
		onEvent: cfg.OnEvent,
		clock:   cfg.Clock,
	}
	if g.backoff == (Backoff{}) {
		g.backoff = DefaultBackoff()
	}
	if g.onEvent == nil {
		g.onEvent = func(Event) {}
	}
	if g.clock == nil {
		g.clock = clock.RealClock{}
	}
	for _, m := range cfg.Members {
		if m.Name == "" || m.Build == nil {
			return nil, fmt.Errorf("member %q: a name and a Build function are required", m.Name)
		}
		if g.byName[m.Name] != nil {
			return nil, fmt.Errorf("member %q is listed twice", m.Name)
		}
		if m.Grace == 0 {
			m.Grace = DefaultGrace
		}
		added := &member{
			Member: m, cancel: func() {},
			ready: make(chan struct{}), ended: make(chan struct{}), released: make(chan struct{}),
		}
		g.byName[m.Name] = added
		g.members = append(g.members, added)
	}
	var errs []error
	for _, m := range g.members {
		for _, name := range m.Needs {
			need := g.byName[name]
			if need == nil {
				errs = append(errs, fmt.Errorf("member %q needs %q, which does not exist", m.Name, name))
				continue
			}
			m.needs = append(m.needs, need)
			need.dependents = append(need.dependents, m)
		}
	}
	if name, circle := g.findCircle(); circle {
		errs = append(errs, fmt.Errorf("member %q needs itself, directly or through others", name))
	}
	return g, errors.Join(errs...)
}

// findCircle takes away members whose needs are all taken away; what is left is in a circle.
func (g *Group) findCircle() (string, bool) {
	open := make(map[*member]int, len(g.members))
	var free []*member
	for _, m := range g.members {
		open[m] = len(m.needs)
		if len(m.needs) == 0 {
			free = append(free, m)
		}
	}
	for len(free) > 0 {
		m := free[0]
		free = free[1:]
		delete(open, m)
		for _, d := range m.dependents {
			if open[d]--; open[d] == 0 {
				free = append(free, d)
			}
		}
	}
	for _, m := range g.members {
		if _, left := open[m]; left {
			return m.Name, true
		}
	}
	return "", false
}

// Ready is closed when the named member has been ready for the first time. It is nil, and so
// blocks for ever, when there is no such member.
func (g *Group) Ready(name string) <-chan struct{} {
	if m := g.byName[name]; m != nil {
		return m.ready
	}
	return nil
}
