// Package cache holds what the scheduler knows of the cluster: nodes, the pods on them, and the pods it has just decided
// about but whose binding has not come back yet (assumed pods).
//
// There are two views. Cache is the live one: informer handlers write to it under a lock. Snapshot is the one a
// scheduling cycle decides on: Cache.Refresh brings it up to date at the start of a cycle by copying only the nodes that
// changed since, and it stays as it is until the next Refresh. Only the scheduling goroutine refreshes and reads it.
//
//	informers ──► Cache (locked) ──Refresh: changed nodes only──► Snapshot ──► indexes (columns, counters, terms)
//
// A snapshot numbers its nodes (NodeInfo.Slot) and logs which slots changed. Indexes hang on to that log: they catch up
// with the changed slots when they are asked, so a question about a hundred thousand pods costs what changed since it was
// last asked:
//
//   - Column: for a label key, the value of each node as a small number;
//   - Counter: how many pods match a selector, per node and per value of a topology key;
//   - Terms: the affinity terms carried by running pods, equal terms grouped, with their number per topology value.
//
// A NodeInfo handed out by a Snapshot must not be changed; take Snapshot() of it first, as preemption does.
package cache
