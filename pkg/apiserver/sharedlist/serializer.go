package sharedlist

import (
	"io"

	"k8s.io/apimachinery/pkg/runtime"
)

// Serializer writes the bytes of shared lists, and all else as inner does.
func (l *Lists) Serializer(inner runtime.NegotiatedSerializer) runtime.NegotiatedSerializer {
	return serializer{inner, l}
}

type serializer struct {
	runtime.NegotiatedSerializer
	lists *Lists
}

func (s serializer) EncoderForVersion(e runtime.Encoder, gv runtime.GroupVersioner) runtime.Encoder {
	inner := s.NegotiatedSerializer.EncoderForVersion(e, gv)
	out := encoder{inner, s.lists}
	// Watches ask for it.
	if withAllocator, ok := inner.(runtime.EncoderWithAllocator); ok {
		return allocatingEncoder{out, withAllocator}
	}
	return out
}

type encoder struct {
	runtime.Encoder
	lists *Lists
}

func (e encoder) Encode(obj runtime.Object, w io.Writer) error {
	found, ok := e.lists.requests.Load(obj)
	if !ok {
		return e.Encoder.Encode(obj, w)
	}
	r := found.(*request)
	data, compressed, err := r.answer.bytes(e.Encoder, obj, r.compress)
	if err != nil {
		return err
	}
	// The header is written with the first byte, that is now.
	r.compressed = compressed
	_, err = w.Write(data)
	return err
}

type allocatingEncoder struct {
	encoder
	inner runtime.EncoderWithAllocator
}

func (e allocatingEncoder) EncodeWithAllocator(obj runtime.Object, w io.Writer, memory runtime.MemoryAllocator) error {
	return e.inner.EncodeWithAllocator(obj, w, memory)
}
