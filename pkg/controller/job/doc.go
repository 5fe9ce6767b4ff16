// Package job runs pods to completion.
//
// A finished pod is counted exactly once, although the pod may vanish and the controller may die at any moment (KEP-2307):
//
//	pod ends           it still exists: it carries the finalizer batch.kubernetes.io/job-tracking
//	account            its UID goes into status.uncountedTerminatedPods (for an Indexed job that succeeded, its index goes into
//	                   status.completedIndexes instead); the write has a resourceVersion, so a stale view loses
//	release            the finalizer is removed
//	count              the cache shows the pod without finalizer: the UID leaves the list, the counter goes up
//
// One Sync does at most one of these for each pod; the events that follow bring the next step.
//
// Then it decides (finish.go): failed by back-off limit, deadline, pod failure policy or failed indexes; or complete, by
// completions or success policy. A decided job first gets FailureTarget or SuccessCriteriaMet, its pods are deleted, and only
// when all have ended and are counted it gets Failed or Complete. An undecided one gets pods created or deleted (pods.go).
package job
