package worker

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// Handler receives an informer's events with their type. Nil functions skip their event. The objects belong to the cache.
type Handler[T metav1.Object] struct {
	Add    func(obj T)
	Update func(old, obj T)
	// Delete gets the last known state, also when the informer missed the deletion itself.
	Delete func(obj T)
}

// Watch passes the informer's events to the handler until Run of the queue ends. Run waits for the informer's first list.
func Watch[K comparable, T metav1.Object](q *Queue[K], informer cache.SharedIndexInformer, h Handler[T]) error {
	r, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) {
			if obj, ok := o.(T); ok && h.Add != nil {
				h.Add(obj)
			}
		},
		UpdateFunc: func(o, n any) {
			old, ok1 := o.(T)
			obj, ok2 := n.(T)
			if ok1 && ok2 && h.Update != nil {
				h.Update(old, obj)
			}
		},
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if obj, ok := o.(T); ok && h.Delete != nil {
				h.Delete(obj)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("controller queue %s: watching: %w", q.cfg.Name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watches = append(q.watches, watch{informer, r})
	q.synced = append(q.synced, r.HasSynced)
	return nil
}

// Self queues the key of the object itself on every event.
func Self[T metav1.Object](q *Queue[Key]) Handler[T] {
	return Handler[T]{
		Add:    func(o T) { q.Enqueue(KeyOf(o)) },
		Update: func(_, o T) { q.Enqueue(KeyOf(o)) },
		Delete: func(o T) { q.Enqueue(KeyOf(o)) },
	}
}

// Owners finds the objects that a dependent belongs to or may be adopted by.
type Owners struct {
	// Kind of the controlling owner in owner references.
	Kind string
	// UIDOf returns the UID of the live owner of that name, from the cache; false when there is none.
	UIDOf func(namespace, name string) (types.UID, bool)
	// Adopters returns the owners whose selector matches an orphan. Nil when orphans are of no interest.
	Adopters func(orphan metav1.Object) []Key
}

// Resolve returns the key of the object's controlling owner. An owner of the same name but another UID is none: it is a later
// object that the dependent does not belong to.
func (w Owners) Resolve(o metav1.Object) (Key, bool) {
	ref := metav1.GetControllerOfNoCopy(o)
	if ref == nil || ref.Kind != w.Kind {
		return Key{}, false
	}
	uid, ok := w.UIDOf(o.GetNamespace(), ref.Name)
	if !ok || uid != ref.UID {
		return Key{}, false
	}
	return Key{Namespace: o.GetNamespace(), Name: ref.Name}, true
}

// Owned queues the owner of each dependent that changes; the former owner too when the owner changes; and for an orphan
// everybody who may adopt it. More, if not nil, is called for every update that concerns an owner.
func Owned[T metav1.Object](q *Queue[Key], owners Owners, more func(owner Key, old, obj T)) Handler[T] {
	adopters := func(o T) {
		if owners.Adopters == nil || o.GetDeletionTimestamp() != nil {
			return
		}
		for _, k := range owners.Adopters(o) {
			q.Enqueue(k)
		}
	}
	return Handler[T]{
		Add: func(o T) {
			if k, ok := owners.Resolve(o); ok {
				q.Enqueue(k)
			} else if metav1.GetControllerOfNoCopy(o) == nil {
				adopters(o)
			}
		},
		Update: func(old, o T) {
			if old.GetResourceVersion() == o.GetResourceVersion() && o.GetResourceVersion() != "" {
				return // a resync repeats what is known
			}
			was, had := owners.Resolve(old)
			is, has := owners.Resolve(o)
			if had && (!has || was != is) {
				q.Enqueue(was)
			}
			switch {
			case has:
				q.Enqueue(is)
				if more != nil {
					more(is, old, o)
				}
			case metav1.GetControllerOfNoCopy(o) == nil && (metav1.GetControllerOfNoCopy(old) != nil || !sameLabels(old.GetLabels(), o.GetLabels())):
				adopters(o)
			}
		},
		Delete: func(o T) {
			if k, ok := owners.Resolve(o); ok {
				q.Enqueue(k)
			}
		},
	}
}

func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}
