package check

import (
	"bytes"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Immutable wants a field to stay as it was.
func Immutable(path *field.Path, now, old any) field.ErrorList {
	if Same(now, old) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, now, apivalidation.FieldImmutableErrorMsg).WithOrigin("immutable")}
}

// Same says whether two values mean the same to the API: nil and empty lists are equal, quantities compare by amount.
// It is much faster on pointers to parts of objects (&pod.Spec) than on the parts themselves.
func Same(a, b any) bool { return equalBytes(a, b) || equality.Semantic.DeepEqual(a, b) }

// wire is what a part of an object has for its form in protobuf.
type wire interface {
	Size() int
	MarshalToSizedBuffer([]byte) (int, error)
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// equalBytes says that two values are the same in protobuf, so they mean the same. Others may do too, in other words.
func equalBytes(a, b any) bool {
	x, ok := a.(wire)
	if !ok {
		return false
	}
	y, ok := b.(wire)
	if !ok || reflect.TypeOf(a) != reflect.TypeOf(b) || isNil(a) || isNil(b) {
		return false
	}
	n := x.Size()
	if n != y.Size() {
		return false
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	if cap(*buffer) < 2*n {
		*buffer = make([]byte, 2*n)
	}
	one, two := (*buffer)[:n:n], (*buffer)[n:2*n]
	if _, err := x.MarshalToSizedBuffer(one); err != nil {
		return false
	}
	if _, err := y.MarshalToSizedBuffer(two); err != nil {
		return false
	}
	return bytes.Equal(one, two)
}

func isNil(a any) bool {
	v := reflect.ValueOf(a)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
