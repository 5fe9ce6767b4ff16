package observe

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	critesting "k8s.io/cri-api/pkg/apis/testing"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

func labelled(uid, container string) map[string]string {
	return map[string]string{kubelettypes.KubernetesPodUIDLabel: uid, kubelettypes.KubernetesPodNameLabel: "p",
		kubelettypes.KubernetesPodNamespaceLabel: "ns", kubelettypes.KubernetesContainerNameLabel: container}
}

func TestRelistTellsWhatChangedAndOnlyThat(t *testing.T) {
	ctx, runtime := context.Background(), critesting.NewFakeRuntimeService()
	var told []types.UID
	o, err := New(Config{Runtime: runtime, OnChange: func(uid types.UID) { told = append(told, uid) }})
	if err != nil {
		t.Fatal(err)
	}
	sandbox := &runtimeapi.PodSandboxConfig{Metadata: &runtimeapi.PodSandboxMetadata{Name: "p", Namespace: "ns", Uid: "u"}, Labels: labelled("u", "")}
	id, err := runtime.RunPodSandbox(ctx, sandbox, "")
	if err != nil {
		t.Fatal(err)
	}
	container, err := runtime.CreateContainer(ctx, id, &runtimeapi.ContainerConfig{Metadata: &runtimeapi.ContainerMetadata{Name: "c", Attempt: 2},
		Image: &runtimeapi.ImageSpec{Image: "img"}, Labels: labelled("u", "c"), Annotations: map[string]string{AnnotationHash: "h"}}, sandbox)
	if err != nil {
		t.Fatal(err)
	}
	relist := func() {
		t.Helper()
		told = nil
		if err := o.Relist(ctx); err != nil {
			t.Fatal(err)
		}
	}
	relist()
	p := o.Get("u")
	if len(told) != 1 || p.Name != "p" || p.Namespace != "ns" || p.ReadySandbox() == nil {
		t.Fatalf("told %v, pod %+v", told, p)
	}
	if c := p.Container("c"); c == nil || c.Attempt != 2 || c.Hash != "h" || c.SandboxID != id || c.Running() {
		t.Fatalf("container %+v", c)
	}
	if relist(); len(told) != 0 {
		t.Errorf("nothing changed, but told %v", told)
	}
	if err := runtime.StartContainer(ctx, container); err != nil {
		t.Fatal(err)
	}
	if relist(); len(told) != 1 || !o.Get("u").Container("c").Running() {
		t.Errorf("told %v after the start", told)
	}
	if err := runtime.RemoveContainer(ctx, container); err != nil {
		t.Fatal(err)
	}
	if err := runtime.RemovePodSandbox(ctx, id); err != nil {
		t.Fatal(err)
	}
	if relist(); len(told) != 1 || !o.Get("u").Empty() || len(o.All()) != 0 {
		t.Errorf("told %v after the removal, left %+v", told, o.All())
	}
}

func TestTerminationMessage(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	own, empty := put("own", "I am done"), put("empty", "")
	long := put("long", strings.Repeat("x", 5000))
	log := put("c.log", "2026-01-02T03:04:05Z stdout F first\n2026-01-02T03:04:06Z stderr F last\n")
	for name, c := range map[string]struct {
		file, policy string
		code         int32
		want         string
	}{
		"file":                      {own, "File", 1, "I am done"},
		"at most 4096 bytes":        {long, "File", 1, strings.Repeat("x", 4096)},
		"no log with policy File":   {empty, "File", 1, ""},
		"end of log when it failed": {empty, "FallbackToLogsOnError", 1, "first\nlast\n"},
		"no log when it succeeded":  {empty, "FallbackToLogsOnError", 0, ""},
		"file before log":           {own, "FallbackToLogsOnError", 1, "I am done"},
	} {
		t.Run(name, func(t *testing.T) {
			got := terminationMessage(&runtimeapi.ContainerStatus{ExitCode: c.code, LogPath: log,
				Annotations: map[string]string{AnnotationTerminationMessagePath: "/dev/termination-log", AnnotationTerminationPolicy: c.policy},
				Mounts:      []*runtimeapi.Mount{{ContainerPath: "/dev/termination-log", HostPath: c.file}}})
			if got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
