package etcdstore

import (
	"context"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// underWay is how many round trips there may be at a time before further reads wait for one of them to end, or to be late.
	underWay = 2
	// late round trips hold nobody up: the member of the store that they went to may answer no more, and others do.
	late = 100 * time.Millisecond
	// together is how many reads one transaction takes; etcd takes 128 operations unless told otherwise (--max-txn-ops).
	together = 64
	// patience is for a transaction, whose reads may have contexts of any length.
	patience = 30 * time.Second
)

// gets is a KV that sends reads of single keys together when there are many. All else is as in the KV below.
type gets struct {
	clientv3.KV

	mu      sync.Mutex
	running int
	waiting []*get
}

// get is a read that waits.
type get struct {
	op clientv3.Op
	// answer is nil when the transaction failed: the read is then done on its own, as a failure may be another's.
	answer chan *clientv3.GetResponse
}

// single tells whether a read is of the present state of one key.
func single(op clientv3.Op) bool {
	return len(op.RangeBytes()) == 0 && op.Rev() == 0 && !op.IsSerializable() && !op.IsCountOnly() &&
		op.MinModRev() == 0 && op.MaxModRev() == 0 && op.MinCreateRev() == 0 && op.MaxCreateRev() == 0
}

// Get reads.
func (g *gets) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	op := clientv3.OpGet(key, opts...)
	if !single(op) {
		return g.KV.Get(ctx, key, opts...)
	}
	g.mu.Lock()
	if g.running < underWay {
		g.running++
		g.mu.Unlock()
		defer g.begin()()
		return g.KV.Get(ctx, key, opts...)
	}
	w := &get{op, make(chan *clientv3.GetResponse, 1)}
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case answer := <-w.answer:
		if answer == nil {
			return g.KV.Get(ctx, key, opts...)
		}
		return answer, nil
	}
}

// begin is called when a round trip begins, and what it returns when it has ended.
func (g *gets) begin() (ended func()) {
	done := sync.OnceFunc(g.done)
	timer := time.AfterFunc(late, done)
	return func() {
		timer.Stop()
		done()
	}
}

// done is called when a round trip has ended or is late: the next one takes all that waits.
func (g *gets) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.running--
		return
	}
	batch := g.waiting[:min(together, len(g.waiting))]
	g.waiting = g.waiting[len(batch):]
	go func() {
		defer g.begin()()
		g.read(batch)
	}()
}

// read makes one transaction of reads.
func (g *gets) read(batch []*get) {
	ops := make([]clientv3.Op, len(batch))
	for i, w := range batch {
		ops[i] = w.op
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	txn, err := g.Txn(ctx).Then(ops...).Commit()
	for i, w := range batch {
		if err != nil || i >= len(txn.Responses) {
			w.answer <- nil
			continue
		}
		w.answer <- answer(txn, i)
	}
}

// answer is what a read on its own would have said: the revision is that of the store, which only the transaction's header has.
func answer(txn *clientv3.TxnResponse, i int) *clientv3.GetResponse {
	r, ok := txn.Responses[i].GetResponse().(*pb.ResponseOp_ResponseRange)
	if !ok {
		return nil
	}
	r.ResponseRange.Header = txn.Header
	return (*clientv3.GetResponse)(r.ResponseRange)
}
