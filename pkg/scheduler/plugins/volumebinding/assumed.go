package volumebinding

import (
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// overlay holds objects as they will be once our writes come back. An entry yields to any later version of the object.
type overlay[T metav1.Object] struct {
	mu      sync.Mutex
	objects map[string]T
}

func newOverlay[T metav1.Object]() *overlay[T] { return &overlay[T]{objects: map[string]T{}} }

func keyOf(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }

// see returns our version of the object unless the informer has a later one.
func (o *overlay[T]) see(object T) T {
	o.mu.Lock()
	defer o.mu.Unlock()
	ours, ok := o.objects[keyOf(object)]
	if !ok {
		return object
	}
	if ours.GetUID() != object.GetUID() || later(object, ours) {
		delete(o.objects, keyOf(object))
		return object
	}
	return ours
}

func (o *overlay[T]) assume(object T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.objects[keyOf(object)] = object
}

func (o *overlay[T]) restore(object metav1.Object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.objects, keyOf(object))
}

func later(a, b metav1.Object) bool {
	x, errX := strconv.ParseUint(a.GetResourceVersion(), 10, 64)
	y, errY := strconv.ParseUint(b.GetResourceVersion(), 10, 64)
	return errX == nil && errY == nil && x > y
}
