package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// runIdle measures a control plane that nobody uses: memory at the end, CPU over a minute.
func runIdle(ctx context.Context, b *bench, s side, rec recorder) error {
	dir := filepath.Join(b.dir, "idle-"+s.name)
	bins, borrowed, err := s.assemble(dir, "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
	if err != nil {
		return err
	}
	// Split, etcd is the same program on both sides.
	if i := len(borrowed); i > 1 || (i == 1 && borrowed[0] != "etcd") {
		rec.note = "with upstream's " + strings.Join(borrowed, ", ")
	}
	r, err := startCluster(ctx, peer.Config{Dir: dir, BinDir: bins, ControllerManager: true, Scheduler: true})
	if err != nil {
		return err
	}
	defer r.stop()
	if err := pause(ctx, time.Duration(b.size(30, 2))*time.Second); err != nil {
		return err
	}
	before, err := r.usage()
	if err != nil {
		return err
	}
	window := time.Duration(b.size(60, 3)) * time.Second
	if err := pause(ctx, window); err != nil {
		return err
	}
	after, err := r.usage()
	if err != nil {
		return err
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		u, err := r.usage(name)
		if err != nil {
			return err
		}
		goal := 0.0
		if name == "kube-apiserver" {
			goal = 0.5
		}
		rec.cost("memory of "+name, "MiB", mib(u.RSS), goal)
	}
	rec.cost("memory of all", "MiB", mib(after.RSS), 0)
	rec.cost("memory of all, without pages of files", "MiB", mib(after.Anonymous), 0)
	rec.cost("CPU of all", "% of a core", 100*float64(after.CPU-before.CPU)/float64(window), 0)
	return nil
}
