package stack

import "net/http"

// Deep makes room for a request's whole way to the store: 32 KiB.
//
//go:noinline
func Deep() {
	var frame [18 << 10]byte
	touch(&frame[0])
}

// Shallow makes room for the way through a few filters: 8 KiB.
//
//go:noinline
func Shallow() {
	var frame [5 << 10]byte
	touch(&frame[0])
}

// touch keeps the compiler from leaving the frame away.
//
//go:noinline
func touch(*byte) {}

// Handler makes room before next.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Shallow()
		next.ServeHTTP(w, r)
	})
}
