// Package daemonset runs one pod on every node that a DaemonSet selects.
//
// One Sync: own writes visible? claim pods and revisions; for each node decide (place.go) whether a pod shall run, may go on,
// or must go; replace pods of old templates as the update strategy allows (update.go); create and delete in batches; status.
// A pod is bound to its node by a node affinity on the node's name, so that the scheduler still places it.
package daemonset
