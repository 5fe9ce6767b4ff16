package openapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

func TestOnDemandBuildsOnceAndForgetsWhenIdle(t *testing.T) {
	clock := testclock.NewFakeClock(time.Unix(1, 0))
	built := 0
	fail := true
	o := &onDemand{idle: time.Minute, clock: clock, build: func() (http.Handler, error) {
		if fail {
			return nil, errors.New("no way")
		}
		built++
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil
	}}
	get := func() int {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, v2Path, nil))
		return w.Code
	}
	if code := get(); code != http.StatusInternalServerError {
		t.Errorf("status %d when the build fails", code)
	}
	fail = false
	for range 2 {
		if code := get(); code != http.StatusTeapot {
			t.Errorf("status %d", code)
		}
	}
	if built != 1 {
		t.Errorf("built %d times", built)
	}
	clock.Step(40 * time.Second)
	get()
	timer := o.timer
	clock.Step(40 * time.Second) // the timer of the build runs out, but the last request is younger
	waitFor(t, func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.timer != timer })
	if o.handler == nil {
		t.Error("forgotten while in use")
	}
	clock.Step(40 * time.Second)
	waitFor(t, func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.handler == nil })
	if get(); built != 2 {
		t.Errorf("built %d times after having been forgotten", built)
	}
}
