package etcd

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Below scarce the store takes no more writes, above enough it does again. What lies between nothing and scarce is for the
// deletions that a full store still takes, and for the next file of its log.
const (
	scarce = 48 << 20
	enough = 64 << 20
)

// look is how often the free space is asked for: nothing tells when a disk fills up.
const look = time.Second

// member is the part of the server that the guard uses.
type member interface {
	Alarm(ctx context.Context, r *etcdserverpb.AlarmRequest) (*etcdserverpb.AlarmResponse, error)
}

// guard keeps a full disk from ending the store, by the alarm with which etcd itself guards its quota.
type guard struct {
	dir    string
	clock  clock.WithTicker
	free   func() (uint64, error)
	member member
	id     uint64
	// within tells whether the store is smaller than its quota: else the alarm is etcd's own.
	within func() bool
	raised bool
}

func newGuard(cfg Config, server *etcdserver.EtcdServer) *guard {
	g := &guard{dir: cfg.Dir, clock: cfg.Clock, member: server, id: uint64(server.MemberID())}
	g.free = func() (uint64, error) {
		var fs unix.Statfs_t
		if err := unix.Statfs(cfg.Dir, &fs); err != nil {
			return 0, fmt.Errorf("asking for the free space of %s: %w", cfg.Dir, err)
		}
		return fs.Bavail * uint64(fs.Bsize), nil
	}
	g.within = func() bool { return server.Backend().Size() < quota }
	for _, a := range server.Alarms() {
		g.raised = g.raised || a.Alarm == etcdserverpb.AlarmType_NOSPACE
	}
	return g
}

// run guards until ctx ends.
func (g *guard) run(ctx context.Context) {
	ticker := g.clock.NewTicker(look)
	defer ticker.Stop()
	for {
		g.check(ctx)
		select {
		case <-ticker.C():
		case <-ctx.Done():
			return
		}
	}
}

// check looks once, and acts.
func (g *guard) check(ctx context.Context) {
	free, err := g.free()
	if err != nil {
		klog.ErrorS(err, "The disk of the store cannot be watched")
		return
	}
	full := mustRefuse(g.raised, free)
	if full == g.raised || !full && !g.within() {
		return
	}
	action := etcdserverpb.AlarmRequest_DEACTIVATE
	if full {
		action = etcdserverpb.AlarmRequest_ACTIVATE
	}
	if _, err := g.member.Alarm(ctx, &etcdserverpb.AlarmRequest{Action: action, MemberID: g.id, Alarm: etcdserverpb.AlarmType_NOSPACE}); err != nil {
		if ctx.Err() == nil {
			klog.ErrorS(err, "The store could not be told about its disk", "full", full)
		}
		return
	}
	g.raised = full
	if full {
		klog.ErrorS(nil, "The disk is full: the store takes no more writes until there is space again. Free some; nothing stored is lost",
			"directory", g.dir, "freeMiB", free>>20, "neededMiB", enough>>20)
	} else {
		klog.InfoS("There is space on the disk again: the store takes writes", "directory", g.dir, "freeMiB", free>>20)
	}
}

// mustRefuse decides whether writes are refused, given whether they are now.
func mustRefuse(refused bool, free uint64) bool {
	if refused {
		return free < enough
	}
	return free < scarce
}
