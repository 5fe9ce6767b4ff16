package gc

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func container(id, pod, name string, age time.Duration, state runtimeapi.ContainerState) *runtimeapi.Container {
	return &runtimeapi.Container{Id: id, State: state, CreatedAt: noon.Add(-age).UnixNano(), PodSandboxId: "s-" + pod,
		Labels: map[string]string{kubelettypes.KubernetesPodUIDLabel: pod, kubelettypes.KubernetesContainerNameLabel: name}}
}

func TestContainers(t *testing.T) {
	const dead, alive, created = runtimeapi.ContainerState_CONTAINER_EXITED, runtimeapi.ContainerState_CONTAINER_RUNNING, runtimeapi.ContainerState_CONTAINER_CREATED
	all := []*runtimeapi.Container{
		container("a1", "p", "a", 3*time.Minute, dead), container("a2", "p", "a", 2*time.Minute, dead), container("a3", "p", "a", time.Minute, alive),
		container("b1", "p", "b", 3*time.Minute, dead), container("b2", "p", "b", time.Second, created),
		container("g1", "gone", "a", 3*time.Minute, dead), container("g2", "gone", "a", time.Minute, created),
	}
	gone := func(uid types.UID) bool { return uid == "gone" }
	for name, tc := range map[string]struct {
		policy Policy
		want   string
	}{
		"one of each name": {Policy{MaxPerContainer: 1, MaxContainers: -1}, "a1 g1 g2"},
		"two of each name": {Policy{MaxPerContainer: 2, MaxContainers: -1}, "g1 g2"},
		"none":             {Policy{MaxPerContainer: 0, MaxContainers: -1}, "a1 a2 b1 g1 g2"},
		"one in all":       {Policy{MaxPerContainer: -1, MaxContainers: 1}, "a1 b1 g1 g2"},
		"only the older":   {Policy{MaxPerContainer: 0, MaxContainers: -1, MinAge: 150 * time.Second}, "a1 b1 g1"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Containers(all, tc.policy, gone, noon) {
				got = append(got, c.GetId())
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}

func TestSandboxes(t *testing.T) {
	sandbox := func(id, pod string, created int64, ready bool) *runtimeapi.PodSandbox {
		state := runtimeapi.PodSandboxState_SANDBOX_NOTREADY
		if ready {
			state = runtimeapi.PodSandboxState_SANDBOX_READY
		}
		return &runtimeapi.PodSandbox{Id: id, CreatedAt: created, State: state, Metadata: &runtimeapi.PodSandboxMetadata{Uid: pod}}
	}
	all := []*runtimeapi.PodSandbox{sandbox("old", "p", 1, false), sandbox("oldused", "p", 2, false), sandbox("new", "p", 3, false),
		sandbox("gone", "g", 1, false), sandbox("goneready", "g", 2, true)}
	var got []string
	for _, s := range Sandboxes(all, map[string]bool{"oldused": true}, func(uid types.UID) bool { return uid == "g" }) {
		got = append(got, s.GetId())
	}
	if s := strings.Join(got, " "); s != "old gone" {
		t.Errorf("got %s", s)
	}
}

func TestUnused(t *testing.T) {
	images := []*seen{
		{id: "fresh", size: 10, first: noon.Add(-time.Minute)},
		{id: "used", size: 10, first: noon.Add(-time.Hour), last: noon},
		{id: "pinned", size: 10, pinned: true, first: noon.Add(-time.Hour)},
		{id: "recent", size: 10, first: noon.Add(-time.Hour), last: noon.Add(-5 * time.Minute)},
		{id: "never", size: 10, first: noon.Add(-time.Hour)},
		{id: "long", size: 10, first: noon.Add(-2 * time.Hour), last: noon.Add(-time.Hour)},
	}
	for need, want := range map[int64]string{0: "", 5: "never", 15: "never long", 100: "never long recent", -1: "never long recent"} {
		var got []string
		for _, s := range Unused(images, map[string]bool{"used": true}, need, 2*time.Minute, noon) {
			got = append(got, s.id)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("need %d: got %q, want %q", need, s, want)
		}
	}
	if got := Old(images, map[string]bool{"used": true}, 30*time.Minute, time.Hour, noon); len(got) != 2 {
		t.Errorf("old images: %d", len(got))
	}
}
