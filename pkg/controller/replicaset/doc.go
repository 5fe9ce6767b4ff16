// Package replicaset keeps the number of live pods of a ReplicaSet at spec.replicas. It is the example that the other
// workload controllers follow.
//
// One Sync, for one key:
//
//	own writes back in the cache?   else count nothing yet, only report status
//	claim                           adopt matching orphans, release pods that no longer match (package ownership)
//	scale                           create in slow-start batches, or delete the pods that rank lowest
//	status                          replicas, labelled, ready, available, terminating; condition ReplicaFailure
//	later                           queue again when the next pod becomes available by minReadySeconds
//
// Kind is the seam by which package replicationcontroller runs the same code: a ReplicationController is seen as Set, a view
// with the few fields that matter here.
//
// Authoritative: the API server for what exists; the pod cache, once it shows the own writes, for what is counted.
package replicaset
