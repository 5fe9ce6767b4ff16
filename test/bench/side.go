package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tiphys.dev/tiphys/test/bench/measure"
	"tiphys.dev/tiphys/test/bench/report"
	"tiphys.dev/tiphys/test/peer"
)

// side is one of the two that are compared: a folder of binaries under upstream's names.
type side struct {
	name string
	bins string
}

// has tells whether the side has all these binaries of its own.
func (s side) has(names ...string) bool {
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(s.bins, n)); err != nil {
			return false
		}
	}
	return true
}

// assemble makes a folder with the side's binaries, and upstream's for those that it
// lacks, which it names.
func (s side) assemble(dir string, names ...string) (bins string, borrowed []string, err error) {
	bins = filepath.Join(dir, "bin")
	if err := os.MkdirAll(bins, 0o755); err != nil {
		return "", nil, err
	}
	for _, n := range names {
		from := filepath.Join(s.bins, n)
		if !s.has(n) {
			borrowed = append(borrowed, n)
			from = filepath.Join(peer.DefaultBinDir(), n)
		}
		if from, err = filepath.Abs(from); err != nil {
			return "", nil, err
		}
		to := filepath.Join(bins, n)
		if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", nil, err
		}
		if err := os.Symlink(from, to); err != nil {
			return "", nil, err
		}
	}
	return bins, borrowed, nil
}

// running is a control plane that answers.
type running struct {
	*peer.Cluster
	// began is when its first process was started, took how long until all answered.
	took time.Duration
	stop func() error
	pids map[string]int
}

// startCluster starts a control plane and waits until it answers.
func startCluster(ctx context.Context, cfg peer.Config) (*running, error) {
	c, err := peer.New(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- c.Run(ctx) }()
	r := &running{Cluster: c}
	r.stop = func() error {
		cancel()
		return <-done
	}
	select {
	case <-c.Ready():
	case err := <-done:
		cancel()
		return nil, err
	}
	r.took = time.Since(began)
	if r.pids, err = measure.Children(os.Getpid()); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// usage of some of its processes; with none named, of all.
func (r *running) usage(names ...string) (measure.Usage, error) {
	if len(names) == 0 {
		names = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
	}
	var pids []int
	for _, n := range names {
		if pid := r.pids[n]; pid != 0 {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return measure.Usage{}, fmt.Errorf("no process among %v runs", names)
	}
	return measure.Sum(pids)
}

// recorder gives a scenario's figures to the report.
type recorder struct {
	rep      *report.Report
	scenario string
	side     string
	note     string
}

func (r recorder) cost(name, unit string, value, goal float64) {
	r.set(report.Row{Name: name, Unit: unit, Goal: goal}, value)
}

func (r recorder) rate(name, unit string, value, goal float64) {
	r.set(report.Row{Name: name, Unit: unit, Goal: goal, MoreIsBetter: true}, value)
}

func (r recorder) set(row report.Row, value float64) {
	row.Scenario, row.Note = r.scenario, r.note
	r.rep.Set(r.side, value, row, time.Now().UTC())
	fmt.Printf("  %-10s %-60s %10.2f %s\n", r.side, row.Name, value, row.Unit)
}

func mib(b int64) float64        { return float64(b) / (1 << 20) }
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
