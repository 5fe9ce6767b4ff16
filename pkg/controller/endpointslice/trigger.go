package endpointslice

import (
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// triggers finds out when the change happened that leads to new slices. It is written into an annotation, from which proxies
// measure how long a change takes to reach the packets.
type triggers struct {
	mu   sync.Mutex
	seen map[worker.Key]moments
}

type moments struct {
	service time.Time
	pods    map[string]time.Time
}

func newTriggers() *triggers { return &triggers{seen: map[worker.Key]moments{}} }

func (t *triggers) forget(key worker.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, key)
}

// since returns the earliest change after the last call for this service, or the zero time when there is none that pods or
// service tell the time of.
func (t *triggers) since(key worker.Key, service *v1.Service, pods []*v1.Pod) time.Time {
	now := moments{service: service.CreationTimestamp.Time, pods: make(map[string]time.Time, len(pods))}
	for _, p := range pods {
		if c := podstate.Condition(p, v1.PodReady); c != nil {
			now.pods[p.Name] = c.LastTransitionTime.Time
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.seen[key]
	t.seen[key] = now
	var first time.Time
	note := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if now.service.After(before.service) {
		note(now.service)
	}
	for name, at := range now.pods {
		if at.After(before.pods[name]) {
			note(at)
		}
	}
	return first
}
