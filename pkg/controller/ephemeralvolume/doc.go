// Package ephemeralvolume makes the PersistentVolumeClaim of each generic ephemeral volume of a pod. The claim is named
// <pod>-<volume> and owned by the pod, so that it is deleted with it. A claim of that name that is not the pod's is an error the
// user must solve; the pod waits.
package ephemeralvolume
