package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestProcess watches children that end in each way.
func TestProcess(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		within       time.Duration
		killed       bool
		code         int
	}{
		{"ends when asked", `trap 'exit 7' TERM; echo on; while :; do sleep 0.01; done`, time.Minute, false, 7},
		{"does not end when asked", `trap '' TERM; echo on; while :; do sleep 0.01; done`, time.Millisecond, true, -1},
		{"ends by itself", `echo on; exit 3`, 0, false, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			p, err := Begin(exec.Command("sh", "-c", tc.script), log)
			if err != nil {
				t.Fatal(err)
			}
			for text := ""; text != "on\n"; {
				data, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				text = string(data)
			}
			if tc.within == 0 {
				<-p.Done()
			}
			if err := p.End(tc.within); (err != nil) != tc.killed {
				t.Errorf("End says %v", err)
			}
			if !p.Ended() || p.Cmd.ProcessState.ExitCode() != tc.code {
				t.Errorf("ended %v with %v", p.Ended(), p.Cmd.ProcessState)
			}
			if err := p.Kill(); err != nil {
				t.Errorf("the end of what has ended: %v", err)
			}
		})
	}
	if _, err := Begin(exec.Command("/none"), filepath.Join(t.TempDir(), "log")); err == nil {
		t.Error("what is not there has been started")
	}
}
