// Package disruption keeps the status of PodDisruptionBudgets: how many of their pods are healthy, and how many may be evicted
// now. The API server's eviction subresource reads it, takes one off, and notes the pod in disruptedPods until this controller
// sees it go.
//
// The number of pods that should exist comes from the pods' controllers: ReplicaSets (through their Deployment),
// ReplicationControllers, StatefulSets, and for other kinds from their scale subresource.
package disruption
