package watchpace

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/utils/clock"
)

// recorder is a client that notes what reached it with each flush.
type recorder struct {
	http.ResponseWriter
	written strings.Builder
	flushed []string
}

func (r *recorder) Write(p []byte) (int, error) { return r.written.Write(p) }
func (r *recorder) Flush() {
	r.flushed = append(r.flushed, r.written.String())
	r.written.Reset()
}

func TestPace(t *testing.T) { synctest.Test(t, pace) }

func pace(t *testing.T) {
	client := &recorder{}
	w := &writer{ResponseWriter: client, flusher: client, clock: clock.RealClock{}}
	event := func(text string) {
		t.Helper()
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		w.Flush()
	}
	reached := func(want ...string) {
		t.Helper()
		w.mu.Lock()
		defer w.mu.Unlock()
		if got := strings.Join(client.flushed, "|"); got != strings.Join(want, "|") {
			t.Fatalf("reached the client: %q, want %q", got, want)
		}
	}
	pass := func(d time.Duration) { // the timers of that instant included
		time.Sleep(d)
		synctest.Wait()
	}
	event("a")
	reached("a") // nothing was sent before
	pass(Interval / 5)
	event("b")
	pass(Interval / 5)
	event("c")
	reached("a")
	pass(Interval / 5 * 3)
	reached("a", "bc") // at the end of the interval after a
	pass(Interval / 5)
	event("d")
	pass(Interval)
	reached("a", "bc", "d") // the timer is used again
	pass(Interval)
	event("e")
	reached("a", "bc", "d", "e") // at once after a quiet time
	event("f")
	w.end()
	pass(time.Minute)
	reached("a", "bc", "d", "e") // the server sends the rest
	w.Flush()
	reached("a", "bc", "d", "e")
}

// TestHandler lets a real server send events: all arrive, in order, and a watch that ends does not lose its last.
func TestHandler(t *testing.T) {
	const events = 1000
	api := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		for range events {
			if _, err := io.WriteString(w, "event\n"); err != nil {
				t.Error(err)
			}
			w.(http.Flusher).Flush()
		}
	}), clock.RealClock{})
	for _, verb := range []string{"watch", "get"} {
		for _, http2 := range []bool{true, false} {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				info := &apirequest.RequestInfo{IsResourceRequest: true, Verb: verb}
				api.ServeHTTP(w, req.WithContext(apirequest.WithRequestInfo(context.Background(), info)))
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			response, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			server.Close()
			if want := strings.Repeat("event\n", events); err != nil || string(body) != want {
				t.Errorf("%s over %s: %d bytes (%v), want %d", verb, response.Proto, len(body), err, len(want))
			}
		}
	}
}
