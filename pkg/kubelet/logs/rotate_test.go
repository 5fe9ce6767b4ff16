package logs

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	testingclock "k8s.io/utils/clock/testing"
)

// writer is a runtime with one container that logs to a file.
type writer struct{ path string }

func (w writer) ListContainers(context.Context, *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return []*runtimeapi.Container{{Id: "c"}}, nil
}

func (w writer) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{LogPath: w.path, State: runtimeapi.ContainerState_CONTAINER_RUNNING}}, nil
}

func (w writer) ReopenContainerLog(context.Context, string) error {
	return os.WriteFile(w.path, nil, 0o640)
}

func TestRotate(t *testing.T) {
	w := writer{filepath.Join(t.TempDir(), "0.log")}
	clock := testingclock.NewFakeClock(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	r, err := NewRotator(RotateConfig{MaxSize: 10, MaxFiles: 3, Runtime: w, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(w.path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := r.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Step(time.Second)
	}
	files := func() string {
		all, _ := filepath.Glob(w.path + "*")
		var names []string
		for _, f := range all {
			names = append(names, strings.TrimPrefix(f, w.path))
		}
		return strings.Join(names, " ")
	}
	write("short")
	if files() != "" {
		t.Errorf("rotated too early: %q", files())
	}
	write("first is long enough")
	write("second is long enough")
	write("third is long enough")
	if got, want := files(), " .20261121-120002.gz .20261121-120003"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	f, err := os.Open(w.path + ".20261121-120002.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "second is long enough" {
		t.Errorf("%q %v", text, err)
	}
	// A rotation that died between moving and reopening is finished.
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.path); err != nil {
		t.Error("the log was not opened again")
	}
	if err := Remove(w.path); err != nil || files() != "" {
		t.Errorf("left: %q %v", files(), err)
	}
}
