package podsource

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Annotations of static and mirror pods.
const (
	AnnotationSource = "kubernetes.io/config.source"
	AnnotationHash   = "kubernetes.io/config.hash"
	AnnotationMirror = "kubernetes.io/config.mirror"
	AnnotationSeen   = "kubernetes.io/config.seen"
)

// Handler takes what a source delivers. Calls of one source come one after the other.
type Handler interface {
	Set(pod *v1.Pod)
	Remove(uid types.UID)
	// Synced is called once, when the source has delivered everything it had at its start.
	Synced()
}

// IsMirror tells whether the pod stands in the API for a static pod.
func IsMirror(pod *v1.Pod) bool { _, ok := pod.Annotations[AnnotationMirror]; return ok }

// IsStatic tells whether the pod came from a file or URL.
func IsStatic(pod *v1.Pod) bool {
	source := pod.Annotations[AnnotationSource]
	return source != "" && source != "api"
}
