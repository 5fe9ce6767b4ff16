package etcd

import (
	"context"
	"expvar"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// retry is how long it takes until the member has read its log, before which it may not stand for election.
const retry = 5 * time.Millisecond

// elect makes the only member the leader at once, until ctx ends. Left alone it would wait until the other members, of which there are
// none, had time to show that one of them leads. The message is the one with which a leader hands over.
func elect(ctx context.Context, member *etcdserver.EtcdServer) {
	ticker := time.NewTicker(retry)
	defer ticker.Stop()
	self := uint64(member.MemberID())
	for {
		select {
		case <-ctx.Done():
			return
		case <-member.StopNotify():
			return
		case <-ticker.C:
		}
		switch s, known := status(); {
		case !known || s.ID != self || s.Applied == 0 || s.Applied < s.Commit:
			continue
		case s.RaftState != raft.StateFollower:
			return
		}
		// A leader looks at once for the version of its database, which a new one has when it was first written.
		member.Backend().ForceCommit()
		// It fails only when the member stops.
		_ = member.Process(ctx, raftpb.Message{Type: raftpb.MsgTimeoutNow, From: self, To: self})
	}
}

// status is what the member that was started last in this process publishes of itself. What the member says otherwise is what it was told
// to apply: its log may not be that far yet.
func status() (raft.Status, bool) {
	published, ok := expvar.Get("raft.status").(expvar.Func)
	if !ok {
		return raft.Status{}, false
	}
	s, ok := published.Value().(raft.Status)
	return s, ok
}
