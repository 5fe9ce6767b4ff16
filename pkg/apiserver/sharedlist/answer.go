package sharedlist

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
)

// compressAbove is from which size on answers are compressed, if the client takes that; the generic API server's.
const compressAbove = 128 << 10

// answer is a list at a revision, and its bytes in those encodings that were asked for.
type answer struct {
	list    runtime.Object
	version string
	forget  clock.Timer

	mu      sync.Mutex
	encoded map[encoding]*encoded

	itemsOnce sync.Once
	items     []*item
}

type encoding struct {
	identifier runtime.Identifier
	compressed bool
}

type encoded struct {
	once sync.Once
	data []byte
	// compressed tells whether data is: a short one is not, whatever was asked for.
	compressed bool
	err        error
}

// bytes encodes once. list is the caller's own header with the shared items.
func (a *answer) bytes(e runtime.Encoder, list runtime.Object, compressed bool) ([]byte, bool, error) {
	k := encoding{e.Identifier(), compressed}
	a.mu.Lock()
	out := a.encoded[k]
	if out == nil {
		out = &encoded{}
		a.encoded[k] = out
	}
	a.mu.Unlock()
	out.once.Do(func() { out.make(e, list, compressed) })
	return out.data, out.compressed, out.err
}

func (o *encoded) make(e runtime.Encoder, list runtime.Object, compressed bool) {
	// A panic must not leave an empty answer behind for the others; this request's own is handled above.
	o.err = fmt.Errorf("encoding of %T was not completed", list)
	var buffer bytes.Buffer
	if !compressed {
		if o.err = e.Encode(list, &buffer); o.err == nil {
			o.data = bytes.Clone(buffer.Bytes())
		}
		return
	}
	zipper := compressors.Get().(*gzip.Writer)
	defer compressors.Put(zipper)
	zipper.Reset(&buffer)
	counter := &counter{to: zipper}
	err := e.Encode(list, counter)
	if err == nil {
		err = zipper.Close()
	}
	if o.err = err; err != nil {
		return
	}
	if counter.n <= compressAbove {
		o.make(e, list, false)
		return
	}
	o.data, o.compressed = bytes.Clone(buffer.Bytes()), true
}

type counter struct {
	to io.Writer
	n  int
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.to.Write(p)
}

var compressors = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	return w
}}
