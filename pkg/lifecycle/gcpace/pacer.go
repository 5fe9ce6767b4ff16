package gcpace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Config says how much memory may be taken.
type Config struct {
	// Room is the most that is allocated above what lives until the next collection, in bytes. A heap of more than four times as much gets a
	// quarter of its size.
	Room uint64
	// IdlePercent of what lives is the least.
	IdlePercent int
	// Interval is how often to collect while Room suffices for that.
	Interval time.Duration
	// Start is how long the process is taken to be starting, unless it allocates more than StartBytes meanwhile: then it has work already.
	Start      time.Duration
	StartBytes uint64
	// Quiet is how long nothing much may have happened before free memory is given back to the system.
	Quiet time.Duration
	Clock clock.WithTicker
}

// Default suits a server on this machine, beside other work.
func Default() Config {
	return Config{Room: machineRoom(), IdlePercent: 25, Interval: 8 * time.Second, Start: 20 * time.Second, StartBytes: 512 << 20, Quiet: 20 * time.Second, Clock: clock.RealClock{}}
}

// Validate reports what cannot work.
func (c Config) Validate() error {
	if c.Room == 0 || c.IdlePercent <= 0 || c.Interval <= 0 || c.Start <= 0 || c.StartBytes == 0 || c.Quiet <= 0 || c.Clock == nil {
		return errors.New("room, idle percentage, interval, time and size of the start, quiet time and clock must be set")
	}
	return nil
}

// Pacer paces the collector of this process.
type Pacer struct {
	cfg Config
	// heap is the process's; tests have another.
	heap heap
	// started tells that the start is over.
	started bool
	// percent is what was last told to Go.
	percent int
	// allocated until the last collection, and when that was.
	allocated uint64
	last      time.Time
}

// heap is what Go offers.
type heap interface {
	// read returns what the last collection found in use, and what was allocated since the start.
	read() (live, allocated uint64)
	setPercent(int)
	giveBack()
}

// startPercent holds during the start. Nearly all that is made then stays, among garbage: with much room it
// would lie scattered over a heap of that size for ever, as Go does not move what lives.
const startPercent = 50

// New makes a pacer. It changes nothing before Run.
func New(cfg Config) (*Pacer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Pacer{cfg: cfg, heap: process{}}, nil
}

// Run paces until ctx ends, and then leaves the collector with Go's default.
func (p *Pacer) Run(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	collections := make(chan struct{}, 1)
	stop := watch(collections)
	defer stop()
	defer p.heap.setPercent(100)
	p.loop(ctx, collections)
	return nil
}

func (p *Pacer) loop(ctx context.Context, collections <-chan struct{}) {
	p.last = p.cfg.Clock.Now()
	p.heap.setPercent(startPercent)
	p.percent = startPercent
	quiet := p.cfg.Clock.NewTimer(p.cfg.Start)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-collections:
			s := p.sample()
			p.started = p.started || p.allocated > p.cfg.StartBytes
			if p.started && p.pace(s) {
				if !quiet.Stop() {
					select {
					case <-quiet.C():
					default:
					}
				}
				quiet.Reset(p.cfg.Quiet)
			}
		case <-quiet.C():
			p.started = true
			// This collects, which wakes the loop: nothing was allocated fast, so the room will be small.
			p.heap.giveBack()
		}
	}
}

// sample tells what happened between the last two collections.
func (p *Pacer) sample() sample {
	now := p.cfg.Clock.Now()
	live, allocated := p.heap.read()
	s := sample{live: live, allocated: allocated - p.allocated, since: now.Sub(p.last)}
	p.allocated, p.last = allocated, now
	return s
}

// pace sets the room and tells whether the process is busy, so that there will be something to give back.
func (p *Pacer) pace(s sample) bool {
	room := p.cfg.room(s)
	if want := percent(room, s.live); !near(want, p.percent) {
		p.percent = want
		p.heap.setPercent(want)
	}
	return room > s.live*uint64(p.cfg.IdlePercent)/100
}

// process is the heap of this process.
type process struct{}

func (process) read() (live, allocated uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	for i, s := range samples {
		if s.Value.Kind() != metrics.KindUint64 {
			panic(fmt.Sprintf("the Go runtime does not tell %s", samples[i].Name))
		}
	}
	return samples[0].Value.Uint64() + samples[1].Value.Uint64() + samples[2].Value.Uint64(), samples[3].Value.Uint64()
}

func (process) setPercent(p int) { debug.SetGCPercent(p) }

func (process) giveBack() {
	debug.FreeOSMemory()
	if err := dropProgram(); err != nil {
		klog.V(2).InfoS("Program text that is not used stays in memory", "reason", err)
	}
}

// watch signals the end of each collection: of an object that nobody holds Go says when it was found.
func watch(ended chan<- struct{}) (stop func()) {
	done := make(chan struct{})
	var arm func()
	arm = func() {
		// Large enough to be an allocation of its own.
		runtime.AddCleanup(&struct{ _ [64]byte }{}, func(struct{}) {
			select {
			case <-done:
				return
			case ended <- struct{}{}:
			default:
			}
			arm()
		}, struct{}{})
	}
	arm()
	return func() { close(done) }
}
