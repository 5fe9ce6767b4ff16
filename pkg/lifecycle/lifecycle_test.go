package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	testingclock "k8s.io/utils/clock/testing"
)

// script is a component under the test's control.
type script struct {
	ready chan struct{}
	fail  chan error
	// onStop runs when the component was told to stop, before Run returns.
	onStop func()
}

func newScript() *script {
	return &script{ready: make(chan struct{}), fail: make(chan error), onStop: func() {}}
}

func (s *script) Ready() <-chan struct{} { return s.ready }

func (s *script) Run(ctx context.Context) error {
	select {
	case err := <-s.fail:
		return err
	case <-ctx.Done():
		s.onStop()
		return ctx.Err()
	}
}

func (s *script) build(context.Context) (Runner, error) { return s, nil }

// journal records events as "member Phase" and lets a test wait for one.
type journal struct {
	mu     sync.Mutex
	lines  []string
	events []Event
	more   chan struct{}
}

func newJournal() *journal { return &journal{more: make(chan struct{}, 1000)} }

func (j *journal) add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, e.Member+" "+string(e.Phase))
	j.events = append(j.events, e)
	j.more <- struct{}{}
}

// await blocks until line was recorded n times, and returns the last such event.
func (j *journal) await(t *testing.T, line string, n int) Event {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		j.mu.Lock()
		seen := 0
		var last Event
		for i, l := range j.lines {
			if l == line {
				seen++
				last = j.events[i]
			}
		}
		all := strings.Join(j.lines, "\n")
		j.mu.Unlock()
		if seen >= n {
			return last
		}
		select {
		case <-j.more:
		case <-limit:
			t.Fatalf("no %d× %q in:\n%s", n, line, all)
		}
	}
}

func (j *journal) has(line string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Contains(j.lines, line)
}

func (j *journal) order(lines ...string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var got []string
	for _, l := range j.lines {
		if slices.Contains(lines, l) {
			got = append(got, l)
		}
	}
	return got
}

// start runs a group and returns a function that ends it and gives Run's error.
func start(t *testing.T, cfg Config) (*Group, func() error) {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- g.Run(ctx) }()
	return g, func() error { cancel(); return <-result }
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartWaitsForNeedsAndStopsInReverse(t *testing.T) {
	j := newJournal()
	store, api, agent := newScript(), newScript(), newScript()
	g, stop := start(t, Config{OnEvent: j.add, Members: []Member{
		{Name: "agent", Needs: []string{"api"}, Build: agent.build},
		{Name: "api", Needs: []string{"store"}, Build: api.build},
		{Name: "store", Build: store.build},
	}})
	j.await(t, "store Starting", 1)
	j.await(t, "api Waiting", 1)
	j.await(t, "agent Waiting", 1)
	if j.has("api Starting") {
		t.Error("api started before the store was ready")
	}
	close(store.ready)
	j.await(t, "api Starting", 1)
	if j.has("agent Starting") {
		t.Error("agent started before the api was ready")
	}
	close(api.ready)
	<-g.Ready("api")
	j.await(t, "agent Starting", 1)
	close(agent.ready)
	<-g.Ready("agent")
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	want := []string{"agent Stopping", "agent Stopped", "api Stopping", "api Stopped", "store Stopping", "store Stopped"}
	if got := j.order(want...); !slices.Equal(got, want) {
		t.Errorf("stop order\n got %v\nwant %v", got, want)
	}
}

func TestFailureRestartsOnlyThatMember(t *testing.T) {
	j := newJournal()
	clk := testingclock.NewFakeClock(time.Unix(0, 0))
	store, api := newScript(), newScript()
	close(store.ready)
	close(api.ready)
	_, stop := start(t, Config{OnEvent: j.add, Clock: clk,
		Backoff: Backoff{Initial: time.Second, Max: 4 * time.Second, Reset: time.Minute},
		Members: []Member{
			{Name: "store", Build: store.build},
			{Name: "api", Needs: []string{"store"}, Build: api.build},
		}})
	var delays []time.Duration
	failOnce := func(n int, ranFor time.Duration) {
		j.await(t, "api Ready", n)
		clk.Step(ranFor)
		api.fail <- errors.New("broken")
		e := j.await(t, "api Failed", n)
		delays = append(delays, e.Delay)
		clk.Step(e.Delay)
	}
	for n, ranFor := range []time.Duration{0, 0, 0, 0, time.Minute} {
		failOnce(n+1, ranFor)
	}
	if e := j.await(t, "api Ready", 6); e.Restarts != 5 {
		t.Errorf("restarts = %d, want 5", e.Restarts)
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, time.Second}
	if !slices.Equal(delays, want) {
		t.Errorf("delays = %v, want %v: doubling, capped, from the start after a long run", delays, want)
	}
	if got := j.order("store Starting", "store Failed"); len(got) != 1 {
		t.Errorf("the store was touched: %v", got)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHowOneRunEnds(t *testing.T) {
	cases := []struct {
		name  string
		build func(context.Context) (Runner, error)
		want  string
	}{
		{"build fails", func(context.Context) (Runner, error) { return nil, errors.New("no port") }, "building: no port"},
		{"returns nil unasked", func(context.Context) (Runner, error) {
			return RunnerFunc(func(context.Context) error { return nil }), nil
		}, errEnded.Error()},
		{"panics", func(context.Context) (Runner, error) {
			return RunnerFunc(func(context.Context) error { panic("nil map") }), nil
		}, "panic: nil map"},
		{"panics in build", func(context.Context) (Runner, error) { panic("early") }, "panic: early"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			j := newJournal()
			_, stop := start(t, Config{OnEvent: j.add, Clock: testingclock.NewFakeClock(time.Unix(0, 0)),
				Members: []Member{{Name: "m", Build: c.build}}})
			if e := j.await(t, "m Failed", 1); !strings.HasPrefix(e.Err.Error(), c.want) {
				t.Errorf("error %q, want %q", e.Err, c.want)
			}
			if err := stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestPermanentErrorStopsAll(t *testing.T) {
	j := newJournal()
	other, bad := newScript(), newScript()
	close(other.ready)
	g, err := New(Config{OnEvent: j.add, Members: []Member{
		{Name: "other", Build: other.build},
		{Name: "bad", Needs: []string{"other"}, Build: bad.build},
		{Name: "never", Needs: []string{"bad"}, Build: newScript().build},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the data directory is foreign")
	result := make(chan error, 1)
	go func() { result <- g.Run(context.Background()) }()
	bad.fail <- Permanent(cause)
	if err := <-result; !errors.Is(err, cause) || err.Error() != "bad: the data directory is foreign" {
		t.Errorf("Run: %v", err)
	}
	for _, line := range []string{"other Stopped", "never Stopped"} {
		if !j.has(line) {
			t.Errorf("missing %q", line)
		}
	}
}

func TestOneShotIsReadyWhenDone(t *testing.T) {
	j := newJournal()
	work, user := newScript(), newScript()
	g, stop := start(t, Config{OnEvent: j.add, Members: []Member{
		{Name: "import", OneShot: true, Build: work.build},
		{Name: "user", Needs: []string{"import"}, Build: user.build},
	}})
	j.await(t, "import Starting", 1)
	if j.has("user Starting") {
		t.Error("user started before the import was done")
	}
	work.fail <- nil
	<-g.Ready("import")
	j.await(t, "user Starting", 1)
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHangingMemberDelaysOthersOnlyByItsGrace(t *testing.T) {
	j := newJournal()
	clk := testingclock.NewFakeClock(time.Unix(0, 0))
	store, slow := newScript(), newScript()
	close(store.ready)
	hang := make(chan struct{})
	slow.onStop = func() { <-hang }
	_, stop := start(t, Config{OnEvent: j.add, Clock: clk, Members: []Member{
		{Name: "store", Build: store.build},
		{Name: "slow", Needs: []string{"store"}, Build: slow.build, Grace: 2 * time.Second},
	}})
	j.await(t, "slow Starting", 1)
	result := make(chan error, 1)
	go func() { result <- stop() }()
	j.await(t, "slow Stopping", 1)
	if j.has("store Stopping") {
		t.Error("the store was stopped within the grace of what needs it")
	}
	clk.Step(2 * time.Second)
	j.await(t, "store Stopped", 1)
	select {
	case <-result:
		t.Fatal("Run returned while a member still ran")
	default:
	}
	close(hang)
	if err := <-result; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestNewRejects(t *testing.T) {
	b := newScript().build
	cases := []struct {
		name    string
		members []Member
		want    string
	}{
		{"two of a name", []Member{{Name: "a", Build: b}, {Name: "a", Build: b}}, "twice"},
		{"unknown need", []Member{{Name: "a", Build: b, Needs: []string{"x"}}}, "does not exist"},
		{"circle", []Member{{Name: "a", Build: b, Needs: []string{"b"}}, {Name: "b", Build: b, Needs: []string{"a"}}}, "needs itself"},
		{"no build", []Member{{Name: "a"}}, "Build"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(Config{Members: c.members}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New: %v, want %q", err, c.want)
			}
		})
	}
}
