// Package podworker is the will of the kubelet: one goroutine per pod that carries out what plan decides.
//
//	podsource ─► Set/Remove ┐
//	observe ───► Wake       ├─► worker.step: observe → status → report → plan → act
//	probe ─────► Wake       ┘
//
// A worker's goroutine never blocks on the runtime, a volume or an image: starting (cgroup, volumes, sandbox, pulls,
// containers, hooks; strictly one after the other) happens in one goroutine of the worker, stopping in others, and
// each wakes the worker when done. So a deletion, a shortened grace period or a new status gets through at once.
//
// A pod goes through: admitted or rejected; live; stopping (deleted, gone from its source, condemned, or done);
// finished (nothing runs, volumes and cgroup are gone, last status is out); and, when it is gone from its source,
// cleaned (containers, logs and directory removed). Everything is recomputed from the runtime and the API after a
// restart: a worker keeps only back-off times that are worth forgetting.
//
// A deleted pod that is ready, has ports and no preStop hook goes on serving for 300 ms of its grace period before its
// containers are told to stop: the change of the endpoints sets out at the same time and must be there first.
//
// When Run's context ends, workers stop deciding; containers keep running.
package podworker
