package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// fakeKV is a store whose values are its keys. It answers when the test says.
type fakeKV struct {
	clientv3.KV
	proceed chan struct{}
	fails   error

	mu sync.Mutex
	// trips are the numbers of reads in each round trip.
	trips []int
}

func (f *fakeKV) trip(reads int) {
	f.mu.Lock()
	f.trips = append(f.trips, reads)
	f.mu.Unlock()
	<-f.proceed
}

func answerTo(key string) *pb.RangeResponse {
	return &pb.RangeResponse{Header: &pb.ResponseHeader{}, Kvs: []*mvccpb.KeyValue{{Key: []byte(key), Value: []byte("value of " + key)}}}
}

func (f *fakeKV) Get(_ context.Context, key string, _ ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	f.trip(1)
	r := answerTo(key)
	r.Header.Revision = 7
	return (*clientv3.GetResponse)(r), nil
}

func (f *fakeKV) Txn(context.Context) clientv3.Txn { return &fakeTxn{kv: f} }

type fakeTxn struct {
	clientv3.Txn
	kv  *fakeKV
	ops []clientv3.Op
}

func (t *fakeTxn) Then(ops ...clientv3.Op) clientv3.Txn { t.ops = ops; return t }
func (t *fakeTxn) Commit() (*clientv3.TxnResponse, error) {
	t.kv.trip(len(t.ops))
	if t.kv.fails != nil {
		return nil, t.kv.fails
	}
	out := &clientv3.TxnResponse{Header: &pb.ResponseHeader{Revision: 7}, Succeeded: true}
	for _, op := range t.ops {
		out.Responses = append(out.Responses, &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: answerTo(string(op.KeyBytes()))}})
	}
	return out, nil
}

func TestReadsThatWaitGoTogether(t *testing.T) {
	for _, tc := range []struct {
		name  string
		reads int
		fails error
		trips []int
	}{
		{"few go at once", 2, nil, []int{1, 1}},
		{"those that wait go together", 12, nil, []int{1, 1, 10}},
		{"a transaction has a limit", 80, nil, []int{1, 1, 14, 64}},
		{"a transaction that fails is no answer", 5, errors.New("too many operations"), []int{1, 1, 1, 1, 1, 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kv := &fakeKV{proceed: make(chan struct{}), fails: tc.fails}
				g := &gets{KV: kv}
				var group sync.WaitGroup
				for i := range tc.reads {
					group.Go(func() {
						key := fmt.Sprint(i)
						r, err := g.Get(t.Context(), key, clientv3.WithRev(0), clientv3.WithLimit(1))
						if err != nil || r.Header.Revision != 7 || len(r.Kvs) != 1 || string(r.Kvs[0].Value) != "value of "+key {
							t.Errorf("%s: %v, %v", key, r, err)
						}
					})
				}
				synctest.Wait() // all are under way or wait
				close(kv.proceed)
				group.Wait()
				synctest.Wait()
				// Two are under way at a time, in any order.
				slices.Sort(kv.trips)
				if !slices.Equal(kv.trips, tc.trips) {
					t.Errorf("round trips of %v reads, want %v", kv.trips, tc.trips)
				}
				if g.running != 0 || len(g.waiting) != 0 {
					t.Errorf("%d still run, %d wait", g.running, len(g.waiting))
				}
			})
		})
	}
}

func TestReadThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := &fakeKV{proceed: make(chan struct{})}
		g := &gets{KV: kv}
		var group sync.WaitGroup
		for range underWay {
			group.Go(func() {
				if _, err := g.Get(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		group.Go(func() {
			if _, err := g.Get(ctx, "b"); !errors.Is(err, context.Canceled) {
				t.Errorf("given up: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(kv.proceed)
		group.Wait()
	})
}

// Round trips to a member that does not answer hold up nobody but their own reads.
func TestLateRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		frozen := make(chan struct{})
		kv := &fakeKV{proceed: frozen}
		g := &gets{KV: kv}
		var stuck, others sync.WaitGroup
		for range underWay {
			stuck.Go(func() { _, _ = g.Get(t.Context(), "stuck") })
		}
		synctest.Wait()
		kv.proceed = make(chan struct{})
		close(kv.proceed) // whoever comes from now on is answered
		began := time.Now()
		for i := range 10 {
			others.Go(func() {
				if r, err := g.Get(t.Context(), fmt.Sprint(i)); err != nil || len(r.Kvs) != 1 {
					t.Errorf("%v, %v", r, err)
				}
			})
		}
		others.Wait()
		if took := time.Since(began); took != late {
			t.Errorf("the others took %s, want %s", took, late)
		}
		began = time.Now()
		if _, err := g.Get(t.Context(), "more"); err != nil || time.Since(began) != 0 {
			t.Errorf("one more took %s (%v)", time.Since(began), err)
		}
		close(frozen)
		stuck.Wait()
		synctest.Wait()
		if g.running != 0 || len(g.waiting) != 0 {
			t.Errorf("%d still run, %d wait", g.running, len(g.waiting))
		}
	})
}

func TestOtherReadsGoAlone(t *testing.T) {
	for _, op := range []clientv3.Op{
		clientv3.OpGet("a", clientv3.WithPrefix()), clientv3.OpGet("a", clientv3.WithRev(3)), clientv3.OpGet("a", clientv3.WithSerializable()),
		clientv3.OpGet("a", clientv3.WithCountOnly()), clientv3.OpGet("a", clientv3.WithMinModRev(2)),
	} {
		if single(op) {
			t.Errorf("%+v is taken for a read of one key's present state", op)
		}
	}
}
