// Package priority resolves the priority class of pods into a number and a preemption policy, and keeps at most one class
// the default. See https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/.
package priority
