// Package plan decides what to do next for one pod: a pure function from the wanted pod, what the runtime has of it,
// probe results and the time, to actions. It does no I/O and keeps no state: the pod worker gives it everything and
// carries out what it says.
//
//	Decide(Input) Plan
//
// The order of a pod's life, as the API documents it: sandbox; init containers one after the other, where a sidecar
// (restartPolicy Always) need only have started; then all regular containers. A container that ended is started
// again as its restart rules, its restart policy or the pod's restart policy say, after a back-off that doubles with
// every end; one whose liveness or startup probe failed, or whose image was changed, is killed first. When the
// regular containers have ended for good, the sidecars are stopped and the pod is done. A sandbox that died takes
// its containers with it and is made anew.
package plan
