package stack

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// descend goes through n frames of some size, as a request does.
//
//go:noinline
func descend(n int) int {
	if n == 0 {
		return 0
	}
	var frame [24]int
	frame[n%24] = n
	return descend(n-1) + frame[n%20]
}

func TestHandlerGoesOn(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusTeapot {
		t.Errorf("status %d", w.Code)
	}
}

func BenchmarkNewGoroutine(b *testing.B) {
	for name, first := range map[string]func(){"grows on the way": func() {}, "grows at once": Deep} {
		b.Run(name, func(b *testing.B) {
			done := make(chan struct{})
			for b.Loop() {
				go func() {
					first()
					descend(70)
					done <- struct{}{}
				}()
				<-done
			}
		})
	}
}
