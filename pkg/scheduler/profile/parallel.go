package profile

import (
	"context"
	"runtime"

	"k8s.io/client-go/util/workqueue"
	fwk "k8s.io/kube-scheduler/framework"
)

// worthSplitting is the number of pieces below which starting goroutines costs more than it saves.
const worthSplitting = 128

// Parallelizer splits work over at most as many goroutines as configured and as there are processors: the pieces are
// pure computation, so more would only take turns.
type Parallelizer struct{ workers int }

var _ fwk.Parallelizer = Parallelizer{}

// NewParallelizer makes one from the configured parallelism.
func NewParallelizer(parallelism int) Parallelizer {
	return Parallelizer{workers: max(1, min(parallelism, runtime.GOMAXPROCS(0)))}
}

// Until calls do for every piece until all are done or ctx ends.
func (p Parallelizer) Until(ctx context.Context, pieces int, do workqueue.DoWorkPieceFunc, _ string) {
	if pieces < worthSplitting || p.workers == 1 {
		for i := range pieces {
			if ctx.Err() != nil {
				return
			}
			do(i)
		}
		return
	}
	workqueue.ParallelizeUntil(ctx, p.workers, pieces, do, workqueue.WithChunkSize(max(1, pieces/(p.workers*8))))
}
