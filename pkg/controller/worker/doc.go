// Package worker is the loop that every controller shares: informer events become keys, keys wait in a queue, and a fixed
// number of goroutines calls Sync for one key at a time each.
//
//	q, err := worker.New(worker.Config[worker.Key]{Name: "replicaset", Workers: 5, Sync: c.Sync, Metrics: m})
//	err = worker.Watch(q, replicaSets, worker.Self[*appsv1.ReplicaSet](q))       // its own objects
//	err = worker.Watch(q, pods, worker.Handler[*v1.Pod]{Add: …, Update: …})      // what they depend on
//	err = q.Run(ctx)                                                             // blocks
//
// What it promises: one key is never synced by two goroutines at once; a key that changes while it is synced is synced again;
// Sync starts only when every watched informer has delivered its first list; an error (or a panic, which becomes an error)
// is logged once and the key tried again with exponential back-off; handlers are removed from the informers when Run ends, so
// that a controller can be built again on the same informers.
//
// Sync must work from the present state, never from the event, and must not change what a cache returned.
package worker
