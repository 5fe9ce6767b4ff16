package controllermanager

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
)

// recorder tells of events. What that needs, queues of a thousand places and goroutines, is made with the first event: most
// controllers have none to tell for days.
type recorder struct {
	source v1.EventSource
	sink   record.EventSink

	mu          sync.Mutex
	ended       bool
	broadcaster record.EventBroadcaster
	inner       record.EventRecorder
}

// started is nil after the end.
func (r *recorder) started() record.EventRecorder {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.inner != nil {
		return r.inner
	}
	r.broadcaster = record.NewBroadcaster()
	r.broadcaster.StartRecordingToSink(r.sink)
	r.inner = r.broadcaster.NewRecorder(scheme.Scheme, r.source)
	return r.inner
}

// end sends what was told and ends; what is told later is lost.
func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.inner = true, nil
	if r.broadcaster != nil {
		r.broadcaster.Shutdown()
	}
}

// Event implements record.EventRecorder.
func (r *recorder) Event(object runtime.Object, kind, reason, message string) {
	if to := r.started(); to != nil {
		to.Event(object, kind, reason, message)
	}
}

// Eventf implements record.EventRecorder.
func (r *recorder) Eventf(object runtime.Object, kind, reason, format string, args ...any) {
	if to := r.started(); to != nil {
		to.Eventf(object, kind, reason, format, args...)
	}
}

// AnnotatedEventf implements record.EventRecorder.
func (r *recorder) AnnotatedEventf(object runtime.Object, annotations map[string]string, kind, reason, format string, args ...any) {
	if to := r.started(); to != nil {
		to.AnnotatedEventf(object, annotations, kind, reason, format, args...)
	}
}
