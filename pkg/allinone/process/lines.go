package process

import (
	"bytes"
	"io"
	"sync"
)

// lineWriter passes whole lines on, each with a prefix, so that the output of several programs
// can share one file.
type lineWriter struct {
	mu     sync.Mutex
	to     io.Writer
	prefix string
	rest   []byte
}

// maxLine bounds what is kept of a line that does not end.
const maxLine = 64 << 10

func newLineWriter(to io.Writer, name string) *lineWriter {
	return &lineWriter{to: to, prefix: "[" + name + "] "}
}

// Write never fails: a full log disk must not stop the program that logs.
func (w *lineWriter) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, data...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 && len(w.rest) < maxLine {
			return len(data), nil
		}
		if end < 0 {
			end = len(w.rest) - 1
		}
		w.emit(w.rest[:end+1])
		w.rest = w.rest[end+1:]
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}

func (w *lineWriter) emit(line []byte) {
	line = append([]byte(w.prefix), bytes.TrimRight(line, "\n")...)
	_, _ = w.to.Write(append(line, '\n'))
}
