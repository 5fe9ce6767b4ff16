package lifecycle

import "sync"

// stop tells every member to stop when those that need it have been released, and waits until
// all have ended.
func (g *Group) stop() {
	var all sync.WaitGroup
	for _, m := range g.members {
		all.Go(func() { g.stopMember(m) })
	}
	all.Wait()
}

// stopMember waits for the dependents, then for the member itself. It releases what the member
// needs when the grace is over, so that one that hangs does not keep the others from stopping.
func (g *Group) stopMember(m *member) {
	for _, d := range m.dependents {
		<-d.released
	}
	select {
	case <-m.ended:
		close(m.released)
		m.cancel()
		return
	default:
	}
	g.onEvent(Event{Member: m.Name, Phase: Stopping})
	grace := g.clock.NewTimer(m.Grace)
	defer grace.Stop()
	m.cancel()
	select {
	case <-m.ended:
		close(m.released)
		return
	case <-grace.C():
		close(m.released)
	}
	<-m.ended
}
