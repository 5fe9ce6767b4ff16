package watchpace

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// writer is the response to a watch.
type writer struct {
	http.ResponseWriter
	flusher http.Flusher
	clock   clock.WithDelayedExecution

	// mu serializes the handler and the timer.
	mu sync.Mutex
	// sent is when the last flush ended.
	sent  time.Time
	timer clock.Timer
	// waiting tells that the timer will flush, ended that the handler has returned and nobody may.
	waiting, ended bool
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ResponseWriter.Write(p)
}

// Flush sends what was written, now or soon.
func (w *writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting || w.ended {
		return
	}
	left := Interval - w.clock.Since(w.sent)
	if left <= 0 {
		w.flush()
		return
	}
	w.waiting = true
	if w.timer == nil {
		w.timer = w.clock.AfterFunc(left, w.due)
	} else {
		w.timer.Reset(left)
	}
}

func (w *writer) flush() {
	w.flusher.Flush()
	w.sent = w.clock.Now()
}

func (w *writer) due() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting && !w.ended {
		w.waiting = false
		w.flush()
	}
}

// end is for when the handler returns: the server sends what is left, and the writer below must not be used any more.
func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
