package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiphys.dev/tiphys/test/peer"
)

// step is one command line of a story.
type step struct {
	name, script string
}

// story is what somebody does with a tool, step after step.
type story struct {
	name  string
	steps []step
}

// patience bounds a step; a quiet machine needs a twentieth.
const patience = 5 * time.Minute

// told is what came of a step.
type told struct{ Code, Stdout, Stderr, Asked, Wrote, Objects string }

// stage is a side with all that a story needs.
type stage struct {
	side     side
	recorder *recorder
	dumper   *dumper
	env      []string
	// dir is where the steps run, a copy of testdata; tmp is where tools leave files.
	dir, tmp string
}

// set starts a side; tools are the paths of the programs that stories call, by name.
func set(t *testing.T, s side, tools map[string]string) *stage {
	t.Helper()
	bins := assets(t, s)
	for name, path := range tools {
		_ = os.Remove(filepath.Join(bins, name))
		if err := os.Symlink(path, filepath.Join(bins, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := peer.Start(t, peer.Config{UnsafeNoFsync: true, BinDir: bins, ControllerManager: true})
	cfg := c.RESTConfig(peer.Admin)
	turn(t, cfg)
	r := record(t, cfg)
	home, tmp := t.TempDir(), t.TempDir()
	env := shadow(os.Environ(), "HOME", "PATH", "KUBECONFIG", "TMPDIR", "EDITOR", "HELM_DEBUG")
	env = append(env, "HOME="+home, "PATH="+bins+":"+os.Getenv("PATH"), "KUBECONFIG="+r.kubeconfig(t), "TMPDIR="+tmp, "TZ=UTC", "NO_COLOR=1", "HELM_COLOR=never")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root(), "test", "clients", "testdata"))); err != nil {
		t.Fatal(err)
	}
	return &stage{side: s, recorder: r, dumper: newDumper(t, cfg), env: env, dir: dir, tmp: tmp}
}

// play does one step.
func (s *stage) play(t *testing.T, st step) told {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-uo", "pipefail", "-c", st.script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.dir, s.env, time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	code := "0"
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		code = "took too long"
	case errors.As(err, &exit):
		code = fmt.Sprint(exit.ExitCode())
	case err != nil:
		t.Errorf("%s: %v", s.side.of(st.name), err)
	}
	asked, wrote := s.recorder.take()
	local := strings.NewReplacer(s.dir, "DIR", s.tmp, "TMP", s.recorder.URL, "SERVER")
	return told{
		Code: code, Stdout: lines(local.Replace(out.String())), Stderr: lines(local.Replace(complaint.String())),
		Asked: strings.Join(asked, "\n"), Wrote: strings.Join(wrote, "\n"), Objects: s.dumper.changed(t),
	}
}

// tell tells a story to both sides and compares.
func tell(t *testing.T, tools map[string]string, stories ...story) {
	a, b := set(t, upstream, tools), set(t, ours, tools)
	out := os.Getenv("CLIENTS_OUT")
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			for _, st := range s.steps {
				t.Run(st.name, func(t *testing.T) {
					var want, got told
					var both sync.WaitGroup
					both.Go(func() { want = a.play(t, st) })
					both.Go(func() { got = b.play(t, st) })
					both.Wait()
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("ours differs (-upstream +ours):\n%s", diff)
					}
					if out != "" {
						keep(t, filepath.Join(out, s.name), st, map[side]told{upstream: want, ours: got})
					}
				})
			}
		})
	}
}

// keep writes down what was told, for whoever writes a story.
func keep(t *testing.T, dir string, st step, all map[side]told) {
	for side, w := range all {
		path := filepath.Join(dir, string(side), st.name+".txt")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("$ %s\n== code %s\n== stdout\n%s\n== stderr\n%s\n== asked\n%s\n== wrote\n%s\n== objects\n%s\n",
			st.script, w.Code, w.Stdout, w.Stderr, w.Asked, w.Wrote, w.Objects)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
