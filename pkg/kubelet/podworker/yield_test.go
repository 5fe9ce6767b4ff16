package podworker

import (
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

func TestRemovalLetsStartsGoFirst(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		running int
		// quiet is how long ago the last start ended, waited for how long the removal has let others go first.
		quiet, waited, want time.Duration
	}{
		{"no pod ever started", 0, time.Hour, 0, 0},
		{"one is starting", 1, time.Hour, 0, time.Second},
		{"one has just started", 0, 300 * time.Millisecond, 0, 700 * time.Millisecond},
		{"it is quiet", 0, time.Second, time.Second, 0},
		{"they never end: nearly long enough", 1, 0, 9500 * time.Millisecond, 500 * time.Millisecond},
		{"they never end: long enough", 1, 0, 10 * time.Second, 0},
		{"one after the other: long enough", 0, 100 * time.Millisecond, 11 * time.Second, 0},
	} {
		s := starts{running: tc.running, last: now.Add(-tc.quiet)}
		if got := s.yield(now.Add(-tc.waited), now); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	var s starts
	s.begin()
	s.begin()
	s.end(now)
	if got := s.yield(now, now.Add(5*time.Second)); got != yieldQuiet {
		t.Errorf("of two starts one is going on: %v, want %v", got, yieldQuiet)
	}
	s.end(now.Add(5 * time.Second))
	if got := s.yield(now, now.Add(6*time.Second)); got != 0 {
		t.Errorf("both have ended: %v", got)
	}
}

func TestHalfStartedIsNotReported(t *testing.T) {
	in := func(states ...runtimeapi.ContainerState) *observe.Pod {
		p := &observe.Pod{}
		for _, s := range states {
			p.Containers = append(p.Containers, &observe.Container{State: s})
		}
		return p
	}
	const created, running = runtimeapi.ContainerState_CONTAINER_CREATED, runtimeapi.ContainerState_CONTAINER_RUNNING
	for _, tc := range []struct {
		name     string
		starting bool
		observed *observe.Pod
		want     bool
	}{
		{"nothing yet", true, in(), false},
		{"made, about to run", true, in(running, created), true},
		{"all run", true, in(running, running), false},
		{"made, but its start has failed", false, in(created), false},
	} {
		if got := (&worker{starting: tc.starting}).halfStarted(tc.observed); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestStatesOfAQuickStartAreNotReported(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	made := &observe.Pod{Containers: []*observe.Container{{Name: "c"}}}
	for _, tc := range []struct {
		name     string
		seen     time.Duration
		observed *observe.Pod
		change   func(*worker)
		want     time.Duration
	}{
		{"just seen", 0, &observe.Pod{}, nil, quickStart},
		{"its sandbox is there", 200 * time.Millisecond, &observe.Pod{Sandboxes: []*runtimeapi.PodSandboxStatus{{}}}, nil, 100 * time.Millisecond},
		{"it takes long", quickStart, &observe.Pod{}, nil, 0},
		{"it has a container", 0, made, nil, 0},
		{"a container could not be made", 0, &observe.Pod{}, func(w *worker) { w.failed["c"] = failedStart{} }, 0},
		{"volumes could not be mounted", 0, &observe.Pod{}, func(w *worker) { w.setup.count = 1 }, 0},
	} {
		w := newWorker(&Manager{cfg: Config{Clock: testingclock.NewFakeClock(now)}}, "u1", nil)
		w.firstSeen = now.Add(-tc.seen)
		if tc.change != nil {
			tc.change(w)
		}
		if got := w.hold(tc.observed); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
