package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/record"
	testingclock "k8s.io/utils/clock/testing"
	utilexec "k8s.io/utils/exec"
)

// script answers execs by container, and counts them.
type script struct {
	mu    sync.Mutex
	exit  int
	calls chan struct{}
}

func (s *script) exec(context.Context, string, []string, time.Duration) ([]byte, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.calls <- struct{}{} }()
	if s.exit != 0 {
		return []byte("no"), nil, utilexec.CodeExitError{Err: fmt.Errorf("exit"), Code: s.exit}
	}
	return []byte("yes"), nil, nil
}

func (s *script) set(exit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exit = exit
}

type world struct {
	*Manager
	t      *testing.T
	clock  *testingclock.FakeClock
	script *script
	events *record.FakeRecorder
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, clock: testingclock.NewFakeClock(time.Now()), script: &script{calls: make(chan struct{}, 100)}, events: record.NewFakeRecorder(100)}
	m, err := New(Config{Exec: w.script.exec, Recorder: w.events, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// tick lets one period pass once the worker waits for it, and waits for the knock.
func (w *world) tick(d time.Duration) {
	w.t.Helper()
	w.waitFor(w.clock.HasWaiters)
	w.clock.Step(d)
	select {
	case <-w.script.calls:
	case <-time.After(5 * time.Second):
		w.t.Fatal("no probe after the period")
	}
}

func (w *world) waitFor(condition func() bool) {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); !condition(); {
		if time.Now().After(end) {
			w.t.Fatal("condition never came true")
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) result() Result {
	w.t.Helper()
	select {
	case r := <-w.Results():
		return r
	case <-time.After(5 * time.Second):
		w.t.Fatal("no result")
		return Result{}
	}
}

func execProbe(success, failure int32) *v1.Probe {
	return &v1.Probe{ProbeHandler: v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{"check"}}}, PeriodSeconds: 10, SuccessThreshold: success, FailureThreshold: failure, TimeoutSeconds: 1}
}

func podWith(c v1.Container) *v1.Pod {
	pod := &v1.Pod{}
	pod.UID, pod.Name, pod.Namespace = "u", "p", "ns"
	c.Name = "c"
	pod.Spec.Containers = []v1.Container{c}
	return pod
}

func TestReadinessThresholds(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Container{ReadinessProbe: execProbe(2, 2)})
	w.Track(pod, "127.0.0.1", []Container{{Name: "c", ID: "x://1", Running: true, StartedAt: w.clock.Now()}})
	<-w.script.calls
	if o, known := w.Get("u", "c", "x://1", Readiness); !known || o != Failure {
		t.Errorf("after one success of two: %v", o)
	}
	w.tick(10 * time.Second)
	if r := w.result(); r.Outcome != Success || r.Type != Readiness {
		t.Errorf("result %+v", r)
	}
	w.script.set(1)
	w.tick(10 * time.Second)
	if o, _ := w.Get("u", "c", "x://1", Readiness); o != Success {
		t.Error("one failure of two must not count")
	}
	w.tick(10 * time.Second)
	if r := w.result(); r.Outcome != Failure {
		t.Errorf("result %+v", r)
	}
	if e := <-w.events.Events; e != "Warning Unhealthy Readiness probe failed: no" {
		t.Errorf("event %q", e)
	}
	status := &v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{{Name: "c", ContainerID: "x://1", State: v1.ContainerState{Running: &v1.ContainerStateRunning{}}}}}
	w.SetReadiness(pod, status)
	if s := status.ContainerStatuses[0]; s.Ready || !*s.Started {
		t.Errorf("status %+v", s)
	}
}

// Liveness waits for startup, fails once, and the next run of the container begins afresh.
func TestStartupThenLiveness(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Container{StartupProbe: execProbe(1, 3), LivenessProbe: execProbe(1, 1)})
	w.script.set(1)
	w.Track(pod, "127.0.0.1", []Container{{Name: "c", ID: "x://1", Running: true, StartedAt: w.clock.Now()}})
	<-w.script.calls // startup, fails
	w.script.set(0)
	w.tick(10 * time.Second)
	if r := w.result(); r.Type != Startup || r.Outcome != Success {
		t.Fatalf("result %+v", r)
	}
	<-w.script.calls // liveness at once
	w.script.set(7)
	w.tick(10 * time.Second)
	if r := w.result(); r.Type != Liveness || r.Outcome != Failure {
		t.Fatalf("result %+v", r)
	}
	w.script.set(0)
	w.Track(pod, "127.0.0.1", []Container{{Name: "c", ID: "x://2", Running: true, StartedAt: w.clock.Now()}})
	if o, known := w.Get("u", "c", "x://2", Liveness); !known || o != Success {
		t.Errorf("a new run must be taken for alive: %v", o)
	}
	if _, known := w.Get("u", "c", "x://1", Liveness); known {
		t.Error("the old run's outcome is still given out")
	}
}

// After a restart of the kubelet a ready container stays ready until a probe says otherwise.
func TestStaysReadyOverRestart(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Container{ReadinessProbe: execProbe(1, 3), StartupProbe: execProbe(1, 3)})
	yes := true
	pod.Status.ContainerStatuses = []v1.ContainerStatus{{Name: "c", ContainerID: "x://1", Ready: true, Started: &yes}}
	w.Track(pod, "127.0.0.1", []Container{{Name: "c", ID: "x://1", Running: true, StartedAt: w.clock.Now().Add(-time.Hour)}})
	for _, kind := range []Type{Readiness, Startup} {
		if o, _ := w.Get("u", "c", "x://1", kind); o != Success {
			t.Errorf("%s: %v", kind, o)
		}
	}
}

func TestHandlers(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s|%s", r.UserAgent(), r.Host, r.Header.Get("X-Own"))
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.Handle("/near", http.RedirectHandler("/ok", http.StatusFound))
	mux.Handle("/far", http.RedirectHandler("http://0.0.0.0/", http.StatusFound))
	server := httptest.NewServer(mux)
	defer server.Close()
	_, portText, _ := net.SplitHostPort(server.Listener.Addr().String())
	number, _ := strconv.Atoi(portText)

	checks := health.NewServer()
	checks.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	g := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(g, checks)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.Serve(listener) }()
	defer g.Stop()
	grpcPort := int32(listener.Addr().(*net.TCPAddr).Port)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closedPort := closed.Addr().(*net.TCPAddr).Port
	_ = closed.Close()

	get := func(path string, headers ...v1.HTTPHeader) v1.ProbeHandler {
		return v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: path, Port: intstr.FromString("web"), HTTPHeaders: headers}}
	}
	down, none := "down", "none"
	for name, tc := range map[string]struct {
		handler v1.ProbeHandler
		outcome Outcome
		warning bool
		text    string
	}{
		"http ok":               {handler: get("/ok"), outcome: Success, text: UserAgent},
		"http headers and host": {handler: get("/ok", v1.HTTPHeader{Name: "Host", Value: "me"}, v1.HTTPHeader{Name: "X-Own", Value: "1"}), outcome: Success, text: "|me|1"},
		"http status":           {handler: get("/bad"), outcome: Failure, text: "HTTP probe failed with statuscode: 418"},
		"redirect on the host":  {handler: get("/near"), outcome: Success, text: UserAgent},
		"redirect elsewhere":    {handler: get("/far"), outcome: Success, warning: true, text: "Probe terminated redirects"},
		"tcp open":              {handler: v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt(number)}}, outcome: Success},
		"tcp closed":            {handler: v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt(closedPort)}}, outcome: Failure, text: "connection refused"},
		"grpc serving":          {handler: v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: grpcPort}}, outcome: Success},
		"grpc not serving":      {handler: v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: grpcPort, Service: &down}}, outcome: Failure, text: `service unhealthy (responded with "NOT_SERVING")`},
		"grpc unknown service":  {handler: v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: grpcPort, Service: &none}}, outcome: Failure, text: "unknown service"},
		"grpc closed":           {handler: v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: int32(closedPort)}}, outcome: Failure, text: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWorld(t)
			spec := &v1.Container{Name: "c", Ports: []v1.ContainerPort{{Name: "web", ContainerPort: int32(number)}}}
			w := &worker{m: m.Manager, pod: podWith(*spec), podIP: "127.0.0.1", spec: spec, probe: &v1.Probe{ProbeHandler: tc.handler, TimeoutSeconds: 2}, kind: Liveness}
			got, err := w.do(t.Context())
			if err != nil || got.outcome != tc.outcome || got.warning != tc.warning || !strings.Contains(got.text, tc.text) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
