package process

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is a writer a test can read while the program runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func shell(t *testing.T, script string, cfg Config) (*Process, *output) {
	t.Helper()
	out := &output{}
	cfg.Name, cfg.Path, cfg.Args, cfg.Output = "sh", "/bin/sh", []string{"-c", script}, out
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

func TestUnaskedEnds(t *testing.T) {
	cases := []struct{ name, script, want, printed string }{
		{"exit code 0", "echo hello; printf end", "ended with exit code 0", "[sh] hello\n[sh] end\n"},
		{"failure", "echo no port >&2; exit 3", "exit status 3", "[sh] no port\n"},
		{"killed", "kill -9 $$", "signal: killed", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, out := shell(t, c.script, Config{})
			err := p.Run(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run: %v, want %q", err, c.want)
			}
			if out.String() != c.printed {
				t.Errorf("printed %q, want %q", out.String(), c.printed)
			}
		})
	}
}

func TestStopSendsTermThenKill(t *testing.T) {
	cases := []struct {
		name, script string
		want         string
	}{
		{"obeys", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done", context.Canceled.Error()},
		{"ignores", "trap '' TERM; echo up; while :; do sleep 0.01; done", "was killed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			flag := filepath.Join(t.TempDir(), "up")
			p, _ := shell(t, strings.Replace(c.script, "echo up", "echo up >"+flag, 1), Config{
				Grace: 200 * time.Millisecond, Every: 5 * time.Millisecond,
				Probe: func(context.Context) error { _, err := os.Stat(flag); return err },
			})
			ctx, cancel := context.WithCancel(context.Background())
			result := make(chan error, 1)
			go func() { result <- p.Run(ctx) }()
			<-p.Ready()
			cancel()
			if err := <-result; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run: %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadyFollowsTheProbe(t *testing.T) {
	asked := 0
	p, _ := shell(t, "exec sleep 60", Config{Every: time.Millisecond, Probe: func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx) }()
	<-p.Ready()
	cancel()
	<-result
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
}

func TestNewRejectsWhatIsNoProgram(t *testing.T) {
	for _, path := range []string{"/does/not/exist", "/etc", "/etc/passwd"} {
		if _, err := New(Config{Name: "x", Path: path}); err == nil {
			t.Errorf("New accepted %s", path)
		}
	}
}
