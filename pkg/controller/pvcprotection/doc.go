// Package pvcprotection keeps a PersistentVolumeClaim that is being deleted until no pod on a node uses it, by the finalizer
// kubernetes.io/pvc-protection. A pod that is not scheduled does not count: the scheduler refuses claims that are being deleted.
// Before the finalizer goes, the pods are listed from the API server: the cache may not know a pod yet.
package pvcprotection
