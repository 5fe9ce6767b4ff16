// Package cgroup owns the control groups a kubelet makes: the node's roots (kubepods and below it one group per QoS class)
// and one group per pod. Container groups inside a pod's group belong to the container runtime.
//
// It works on cgroup v1 and v2, either writing the file system itself (driver "cgroupfs") or asking systemd for slices
// (driver "systemd"). The tree, as cgroupfs names it:
//
//	<root>/kubepods                      limits of node allocatable
//	<root>/kubepods/pod<uid>             guaranteed pods
//	<root>/kubepods/burstable/pod<uid>   weight = sum of the pods' requests
//	<root>/kubepods/besteffort/pod<uid>  the smallest weight
//
// What a pod's group should hold is decided by ResourcesFor, a pure function; hierarchy.go writes it. Every write is
// idempotent and skipped when the kernel already holds the value, so the methods may be called at each sync.
//
// Life cycle: New finds out what the kernel offers, EnsureRoots runs once before the first pod, EnsurePod before a
// pod's sandbox, UpdatePod at a resize, RemovePod after its last container is gone. The package keeps no state of its own: after a
// restart ListPods reads it back from the kernel.
package cgroup
