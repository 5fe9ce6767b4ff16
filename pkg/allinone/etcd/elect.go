package etcd

import (
	"context"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/raft/v3/raftpb"
)

// retry is how long it takes until the member has read so much of its log that it may stand for election.
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
		if member.Leader() != 0 {
			return
		}
		// Before it has applied the log it refuses, and warns about that.
		if applied := member.AppliedIndex(); applied == 0 || applied < member.CommittedIndex() {
			continue
		}
		// A leader looks at once for the version of its database, which a new one has when it was first written.
		member.Backend().ForceCommit()
		// It fails only when the member stops.
		_ = member.Process(ctx, raftpb.Message{Type: raftpb.MsgTimeoutNow, From: self, To: self})
	}
}
