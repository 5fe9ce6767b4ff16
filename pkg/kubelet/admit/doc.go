// Package admit decides whether this node takes a pod that was bound to it: the scheduler's view may be old, and static pods never
// met a scheduler. Everything is pure: pod, node and the other pods in, a Decision out, in upstream's words, which users
// see in the pod's status.
//
// The checks run in the order of the list in admit.go; the first that says no decides. When only resources are missing and the
// pod is critical, the Decision names pods that must be preempted instead.
package admit
