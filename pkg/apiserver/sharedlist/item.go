package sharedlist

import (
	"bytes"
	"io"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// all are the items of an answer, one by one.
func (a *answer) all() ([]*item, error) {
	var err error
	a.itemsOnce.Do(func() {
		items := make([]*item, 0, meta.LenList(a.list))
		err = meta.EachListItem(a.list, func(o runtime.Object) error {
			m, err := meta.Accessor(o)
			if err == nil {
				items = append(items, &item{Object: m, object: o})
			}
			return err
		})
		if err == nil {
			a.items = items
		}
	})
	return a.items, err
}

// item is an object of an answer with its bytes in those encodings that were asked for. Nobody changes it, or what it holds.
type item struct {
	metav1.Object
	object runtime.Object

	mu      sync.Mutex
	encoded []itemBytes
}

type itemBytes struct {
	identifier runtime.Identifier
	data       []byte
}

var _ runtime.CacheableObject = &item{}

// GetObjectKind is the object's.
func (i *item) GetObjectKind() schema.ObjectKind { return i.object.GetObjectKind() }

// DeepCopyObject copies the object.
func (i *item) DeepCopyObject() runtime.Object { return i.object.DeepCopyObject() }

// GetObject copies the object: it is the caller's.
func (i *item) GetObject() runtime.Object { return i.object.DeepCopyObject() }

// CacheEncode encodes once for each identifier.
func (i *item) CacheEncode(id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	data, err := i.bytes(id, encode)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func (i *item) bytes(id runtime.Identifier, encode func(runtime.Object, io.Writer) error) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range i.encoded {
		if e.identifier == id {
			return e.data, nil
		}
	}
	var buffer bytes.Buffer
	if err := encode(header(i.object), &buffer); err != nil {
		return nil, err
	}
	data := bytes.Clone(buffer.Bytes())
	i.encoded = append(i.encoded, itemBytes{id, data})
	return data, nil
}

// header is the object with a kind and version of its own, which encoders put in; all that it points to is shared.
func header(o runtime.Object) runtime.Object {
	v := reflect.ValueOf(o)
	if _, ok := o.(runtime.Unstructured); ok || v.Kind() != reflect.Pointer {
		return o.DeepCopyObject()
	}
	own := reflect.New(v.Type().Elem())
	own.Elem().Set(v.Elem())
	return own.Interface().(runtime.Object)
}
