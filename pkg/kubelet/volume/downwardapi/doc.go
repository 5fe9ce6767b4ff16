// Package downwardapi is the downwardAPI volume: fields and resources of the pod as files, following changes of its
// labels and annotations. Field and Resource are also what a container's environment is made from.
package downwardapi
