// Package deployment rolls pods from one template to another through ReplicaSets.
//
// One Sync, for one key:
//
//	claim      the ReplicaSets that match the selector
//	reveal     the ReplicaSet of the present template (by comparing templates, not hashes); none: create it
//	decide     pure functions turn the deployment and its ReplicaSets into scalings: rolling.go, recreate.go, proportion.go
//	act        write the scalings, each with the resourceVersion that was read: a stale view loses with a conflict
//	status     counts and the conditions Available, Progressing, ReplicaFailure; queue again for the progress deadline
//
// A deployment that is paused or whose spec.replicas changed is only scaled, in proportion, in that Sync.
//
// Pods are never looked at: a ReplicaSet's status says how many are live, ready, available and still terminating.
package deployment
