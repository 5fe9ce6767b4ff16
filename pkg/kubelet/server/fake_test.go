package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	remotecommandserver "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	utilexec "k8s.io/utils/exec"
	"k8s.io/utils/ptr"
)

// runtime stands for the container runtime: a real streaming server, and containers that answer by rule.
type runtime struct {
	internalapi.RuntimeService
	streaming.Server
	log string
}

func (r *runtime) Exec(_ context.Context, req *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	return r.GetExec(req)
}

func (r *runtime) Attach(_ context.Context, req *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	return r.GetAttach(req)
}

func (r *runtime) PortForward(_ context.Context, req *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	return r.GetPortForward(req)
}

func (r *runtime) ListPodSandbox(context.Context, *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	return []*runtimeapi.PodSandbox{{Id: "older", CreatedAt: 1}, {Id: "sandbox", CreatedAt: 2}}, nil
}

func (r *runtime) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{Id: id, LogPath: filepath.Join(r.log, id+".log"), State: runtimeapi.ContainerState_CONTAINER_EXITED}}, nil
}

func (r *runtime) ListContainers(context.Context, *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return []*runtimeapi.Container{{Id: "id-1", Labels: map[string]string{"io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "ns", "io.kubernetes.pod.uid": "u", "io.kubernetes.container.name": "c"}}}, nil
}

func (r *runtime) ExecSync(_ context.Context, id string, cmd []string, _ time.Duration) ([]byte, []byte, error) {
	return []byte(id + ":" + cmd[len(cmd)-1]), nil, nil
}

// inside is what runs in the containers.
type inside struct{}

func (inside) Exec(_ context.Context, id string, cmd []string, in io.Reader, out, stderr io.WriteCloser, tty bool, _ <-chan remotecommandserver.TerminalSize) error {
	switch cmd[0] {
	case "echo":
		fmt.Fprintf(out, "%s %v tty=%v", id, cmd[1:], tty)
	case "cat":
		_, err := io.Copy(out, in)
		return err
	case "false":
		fmt.Fprint(stderr, "it failed")
		return utilexec.CodeExitError{Err: fmt.Errorf("exit"), Code: 3}
	}
	return nil
}

func (inside) Attach(_ context.Context, id string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommandserver.TerminalSize) error {
	fmt.Fprint(out, "attached to "+id)
	return nil
}

func (inside) PortForward(_ context.Context, sandbox string, port int32, stream io.ReadWriteCloser) error {
	buf := make([]byte, 4)
	if _, err := io.ReadFull(stream, buf); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stream, "%s:%d:%s", sandbox, port, buf)
	return err
}

type pods []*v1.Pod

func (p pods) Pods() []*v1.Pod { return p }
func (p pods) Pod(namespace, name string) (*v1.Pod, bool) {
	for _, pod := range p {
		if pod.Namespace == namespace && pod.Name == name {
			return pod, true
		}
	}
	return nil, false
}
func (p pods) PodByUID(types.UID) (*v1.Pod, bool) { return nil, false }

type fixedStats struct{}

func (fixedStats) Summary(context.Context, bool) (*statsapi.Summary, error) {
	at := metav1.Now()
	cpu := &statsapi.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To[uint64](2e9)}
	memory := &statsapi.MemoryStats{Time: at, WorkingSetBytes: ptr.To[uint64](42)}
	return &statsapi.Summary{Node: statsapi.NodeStats{NodeName: "n", CPU: cpu, Memory: memory},
		Pods: []statsapi.PodStats{{PodRef: statsapi.PodReference{Name: "p", Namespace: "ns", UID: "u"}, CPU: cpu, Memory: memory,
			Containers: []statsapi.ContainerStats{{Name: "c", StartTime: at, CPU: cpu, Memory: memory}}}}}, nil
}

func pod() *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u"},
		Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c"}, {Name: "waiting"}}},
		Status: v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{
			{Name: "c", ContainerID: "containerd://id-1", State: v1.ContainerState{Running: &v1.ContainerStateRunning{}},
				LastTerminationState: v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ContainerID: "containerd://id-0"}}},
			{Name: "waiting", State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}}}
}

// start runs a server and returns its URL.
func start(t *testing.T, change func(*Config)) *url.URL {
	t.Helper()
	rt := &runtime{log: t.TempDir()}
	stream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rt.ServeHTTP(w, r) }))
	base, err := url.Parse("http://" + stream.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	config := streaming.DefaultConfig
	config.BaseURL = base
	if rt.Server, err = streaming.NewServer(config, inside{}); err != nil {
		t.Fatal(err)
	}
	stream.Start()
	t.Cleanup(stream.Close)
	for id, text := range map[string]string{
		"id-0": "2026-11-21T10:00:00.000000000Z stdout F before\n",
		"id-1": "2026-11-21T11:00:00.000000000Z stdout F one\n2026-11-21T11:00:01.000000000Z stderr P tw\n2026-11-21T11:00:01.100000000Z stderr F o\n2026-11-21T11:00:02.000000000Z stdout F three\n",
	} {
		if err := os.WriteFile(filepath.Join(rt.log, id+".log"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg := Config{NodeName: "n", Address: "127.0.0.1", CertDir: t.TempDir(), Pods: pods{pod()}, CRI: rt, Stats: fixedStats{}, Debugging: true, Profiling: true,
		Configz: map[string]any{"kubeletconfig": map[string]any{"maxPods": 110}}}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &url.URL{Scheme: "https", Host: s.Addr().String()}
}

var client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func get(t *testing.T, u *url.URL, path string) (int, string) {
	t.Helper()
	res, err := client.Get(u.String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
