package gcpace

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

const mib = 1 << 20

// testConfig does not depend on the machine.
func testConfig() Config {
	c := Default()
	c.Room = 160 * mib
	return c
}

func TestRoom(t *testing.T) {
	c := testConfig()
	for _, tc := range []struct {
		name string
		in   sample
		want uint64
	}{
		{"idle: a share of what lives", sample{live: 40 * mib, allocated: mib, since: time.Minute}, 10 * mib},
		{"some work: what is allocated in an interval", sample{live: 40 * mib, allocated: 10 * mib, since: time.Second}, 80 * mib},
		{"much work: no more than the room", sample{live: 40 * mib, allocated: 400 * mib, since: time.Second}, 160 * mib},
		{"a large heap gets a quarter", sample{live: 800 * mib, allocated: 400 * mib, since: time.Second}, 200 * mib},
		{"a large idle heap, too", sample{live: 800 * mib, allocated: mib, since: time.Minute}, 200 * mib},
		{"a very large heap, too", sample{live: 4000 * mib, allocated: 400 * mib, since: time.Second}, 1000 * mib},
		{"two collections at once say nothing", sample{live: 40 * mib, allocated: mib}, 160 * mib},
	} {
		if got := c.room(tc.in); got != tc.want {
			t.Errorf("%s: %d MiB, want %d", tc.name, got/mib, tc.want/mib)
		}
	}
}

// fake is a heap that does what the test says.
type fake struct {
	// reads is what each read finds: the reader waits for it, so the test knows that the time of the sample was taken.
	reads    chan uint64
	percents []int
	gaveBack chan struct{}
}

func (f *fake) read() (uint64, uint64) { return 40 * mib, <-f.reads }
func (f *fake) setPercent(p int)       { f.percents = append(f.percents, p) }
func (f *fake) giveBack()              { f.gaveBack <- struct{}{} }

// paced is a pacer that runs, with the heap and the clock of the test.
type paced struct {
	*fake
	*clocktesting.FakeClock
	collections chan struct{}
	// stop ends it and waits until it has.
	stop func()
}

func start(t *testing.T) *paced {
	c := testConfig()
	p := &paced{fake: &fake{reads: make(chan uint64), gaveBack: make(chan struct{})}, FakeClock: clocktesting.NewFakeClock(time.Unix(1, 0)),
		collections: make(chan struct{})}
	c.Clock = p.FakeClock
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	pacer := &Pacer{cfg: c, heap: p.fake}
	go func() { defer close(ended); pacer.loop(ctx, p.collections) }()
	p.stop = func() { cancel(); <-ended }
	t.Cleanup(p.stop)
	return p
}

// collect lets time pass and a collection find that so much was allocated in all.
func (p *paced) collect(after time.Duration, allocated uint64) {
	p.Step(after)
	p.collections <- struct{}{}
	p.reads <- allocated
}

func TestWorkAndRest(t *testing.T) {
	p := start(t)
	total := uint64(0)
	step := func(d time.Duration, allocated uint64) {
		total += allocated
		p.collect(d, total)
	}
	// The loop may not have set its timer yet, so it is not one step.
	rest := func() {
		for {
			select {
			case <-p.gaveBack:
				step(time.Second, 0) // to give back is to collect
				return
			default:
				p.Step(time.Second)
				runtime.Gosched()
			}
		}
	}
	step(time.Second, 200*mib) // the start
	rest()
	step(time.Second, 4000*mib) // busy
	step(time.Second, 205*mib)  // no change worth a stop of the world
	step(time.Second, 195*mib)
	rest()
	step(time.Minute, mib)
	step(time.Minute, mib)
	p.stop()
	if diff := cmp.Diff([]int{50, 25, 400, 25}, p.percents); diff != "" {
		t.Errorf("percentages (-want +got):\n%s", diff)
	}
}

// TestWorkDuringTheStart lets clients come as soon as the server is there.
func TestWorkDuringTheStart(t *testing.T) {
	p := start(t)
	for _, allocated := range []uint64{200 * mib, 500 * mib, 700 * mib} {
		p.collect(time.Second, allocated)
	}
	p.stop()
	if diff := cmp.Diff([]int{50, 400}, p.percents); diff != "" {
		t.Errorf("percentages (-want +got):\n%s", diff)
	}
}

func TestOwnProcess(t *testing.T) {
	ended := make(chan struct{}, 1)
	stop := watch(ended)
	defer stop()
	for range 3 {
		process{}.giveBack()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the end of a collection was not told")
		}
	}
	if live, allocated := (process{}).read(); live == 0 || allocated < live/2 {
		t.Errorf("live %d, allocated %d", live, allocated)
	}
}

func TestUnchangedMappings(t *testing.T) {
	const smaps = `00400000-02c00000 r-xp 00000000 fe:00 7 /opt/my bin/server
Rss:               40000 kB
Anonymous:             0 kB
02c00000-05000000 r--p 02800000 fe:00 7 /opt/my bin/server
Rss:               30000 kB
Anonymous:             4 kB
05000000-05100000 rw-p 04c00000 fe:00 7 /opt/my bin/server
Anonymous:             0 kB
06000000-06100000 r--p 00000000 fe:00 8 /lib/other
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:          4096 kB
`
	got := unchanged(bufio.NewScanner(strings.NewReader(smaps)), "/opt/my bin/server")
	if diff := cmp.Diff([]mapping{{0x400000, 0x2c00000}}, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip("no /proc here")
	}
	defer f.Close()
	own, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got := unchanged(bufio.NewScanner(f), own); len(got) == 0 {
		t.Error("found nothing of this program")
	}
}
