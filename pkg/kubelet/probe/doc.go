// Package probe asks containers whether they have started, are ready and are alive, and keeps the answers.
//
// Track tells it which containers of a pod run; from that it starts and stops one small goroutine per container and
// kind of probe (worker.go). A worker knocks (exec.go, http.go, tcp.go, grpc.go), counts equal answers until a threshold is
// passed, and only then the outcome changes: it can be read with Get and comes once over Results. Readiness and liveness
// begin when the startup probe has succeeded; nothing waits in a loop for that.
//
// After a liveness or startup failure was reported the worker ends: what comes next is another container, with another ID.
//
// Outcomes before the first answer: a container is not ready, is alive, and has not started; except that a container which the
// pod's status already calls ready or started, because an earlier kubelet saw it, stays so.
package probe
