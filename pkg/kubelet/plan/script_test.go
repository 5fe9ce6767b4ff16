package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

var rewrite = flag.Bool("rewrite", false, "write the recorded output anew")

// TestScripts replays a pod's life: each testdata/*.txt holds a pod spec and commands; after each "decide" stands what
// was decided. Commands:
//
//	decide              decide, and print it
//	run                 carry out what was decided: sandbox and containers come to run
//	exit NAME CODE      the container ends
//	unready-sandbox     the sandbox dies, and its containers with it
//	not-started NAME    its startup probe has not succeeded yet; started NAME undoes it
//	liveness NAME       its liveness probe fails until it is restarted
//	image NAME IMAGE    the spec's image is changed
//	debug NAME          an ephemeral container is added
//	after DURATION      time passes
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(data))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(data) {
				t.Errorf("recorded and actual output differ (-rewrite to accept)\n--- actual ---\n%s", got)
			}
		})
	}
}

type world struct {
	t        *testing.T
	now      time.Time
	pod      *v1.Pod
	obs      *observe.Pod
	backoffs map[string]BackOff
	replaced map[string]bool
	waitFor  map[string]bool // startup not succeeded
	sick     map[string]bool // container IDs
	last     Plan
	ids      int
}

func replay(t *testing.T, script string) string {
	head, body, ok := strings.Cut(script, "\n----\n")
	if !ok {
		t.Fatal("script without ---- line")
	}
	w := &world{t: t, now: time.Unix(1000, 0), pod: &v1.Pod{}, obs: &observe.Pod{}, backoffs: map[string]BackOff{},
		replaced: map[string]bool{}, waitFor: map[string]bool{}, sick: map[string]bool{}}
	if err := yaml.UnmarshalStrict([]byte(head), &w.pod.Spec); err != nil {
		t.Fatal(err)
	}
	w.pod.ObjectMeta = metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u"}
	var out strings.Builder
	out.WriteString(head + "\n----\n")
	for _, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue // recorded output
		}
		out.WriteString(line + "\n")
		w.command(&out, strings.Fields(line))
	}
	return out.String()
}

func (w *world) command(out *strings.Builder, f []string) {
	if len(f) == 0 || strings.HasPrefix(f[0], "#") {
		return
	}
	switch f[0] {
	case "decide":
		w.last = Decide(w.input())
		out.WriteString(show(w.last))
	case "run":
		w.carryOut()
	case "exit":
		code, _ := strconv.Atoi(f[2])
		w.exit(w.obs.Container(f[1]), int32(code))
	case "unready-sandbox":
		w.obs.Sandboxes[0].State = runtimeapi.PodSandboxState_SANDBOX_NOTREADY
		for _, c := range w.obs.Containers {
			if c.Running() {
				w.exit(c, 255)
			}
		}
	case "not-started":
		w.waitFor[f[1]] = true
	case "started":
		delete(w.waitFor, f[1])
	case "liveness":
		w.sick[w.obs.Container(f[1]).ID] = true
	case "image":
		for i := range w.pod.Spec.Containers {
			if w.pod.Spec.Containers[i].Name == f[1] {
				w.pod.Spec.Containers[i].Image = f[2]
			}
		}
	case "debug":
		w.pod.Spec.EphemeralContainers = append(w.pod.Spec.EphemeralContainers,
			v1.EphemeralContainer{EphemeralContainerCommon: v1.EphemeralContainerCommon{Name: f[1]}})
	case "after":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = w.now.Add(d)
	default:
		w.t.Fatalf("unknown command %q", f[0])
	}
}

func (w *world) input() Input {
	return Input{Pod: w.pod, Observed: w.obs, Now: w.now, BackOffs: w.backoffs,
		Replaced:     func(id string) bool { return w.replaced[id] },
		FirstBackOff: 10 * time.Second, MaxBackOff: 5 * time.Minute,
		Probe: func(c *observe.Container) ProbeState {
			return ProbeState{Started: !w.waitFor[c.Name], LivenessFailed: w.sick[c.ID]}
		}}
}

func (w *world) exit(c *observe.Container, code int32) {
	c.State, c.ExitCode, c.FinishedAt = runtimeapi.ContainerState_CONTAINER_EXITED, code, w.now
}

func (w *world) carryOut() {
	for _, k := range w.last.Kill {
		w.exit(w.obs.ByID(k.ID), 137)
		if k.Reason == KillChanged {
			w.replaced[k.ID] = true
		}
	}
	if w.last.CreateSandbox {
		w.ids++
		s := &runtimeapi.PodSandboxStatus{Id: fmt.Sprintf("s%d", w.ids), Metadata: &runtimeapi.PodSandboxMetadata{Attempt: w.last.SandboxAttempt}}
		w.obs.Sandboxes = append([]*runtimeapi.PodSandboxStatus{s}, w.obs.Sandboxes...)
	}
	for _, s := range w.last.Start {
		w.ids++
		c := &observe.Container{ID: fmt.Sprintf("c%d", w.ids), Name: s.Name, SandboxID: w.obs.Sandbox().Id, Attempt: s.Attempt,
			State: runtimeapi.ContainerState_CONTAINER_RUNNING, StartedAt: w.now, CreatedAt: w.now}
		for _, list := range [][]v1.Container{w.pod.Spec.Containers, w.pod.Spec.InitContainers} {
			for i := range list {
				if list[i].Name == s.Name {
					c.Hash = Hash(&list[i])
				}
			}
		}
		if s.BackOff != nil {
			w.backoffs[s.Name] = *s.BackOff
		}
		w.obs.Containers = append([]*observe.Container{c}, w.obs.Containers...)
	}
}

func show(p Plan) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	if p.Done {
		line("done")
	}
	if p.ResetSandbox {
		line("reset sandbox")
	}
	if p.CreateSandbox {
		line("create sandbox, attempt %d", p.SandboxAttempt)
	}
	for _, k := range p.Kill {
		line("kill %s (%s): %s", k.Name, k.Reason, k.Message)
	}
	for _, s := range p.Start {
		next := ""
		if s.BackOff != nil {
			next = fmt.Sprintf(", next back-off %s", s.BackOff.Wait)
		}
		line("start %s container %s, attempt %d%s", s.Kind, s.Name, s.Attempt, next)
	}
	var names []string
	for n := range p.Waiting {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		line("%s waits: %s: %s", n, p.Waiting[n].Reason, p.Waiting[n].Message)
	}
	if p.Wake > 0 {
		line("look again in %s", p.Wake)
	}
	if b.Len() == 0 {
		line("nothing to do")
	}
	return b.String()
}
