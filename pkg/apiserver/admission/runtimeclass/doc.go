// Package runtimeclass brings the overhead and the scheduling rules of a pod's runtime class into the pod. See
// https://kubernetes.io/docs/concepts/containers/runtime-class/.
package runtimeclass
