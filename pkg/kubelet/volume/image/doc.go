// Package image is the image volume: the content of an OCI image, read-only. The runtime mounts it; the pod's worker makes sure that the image
// is there before a container starts. Nothing lies below the pod's directory.
package image
