package clients

import (
	"os"
	"os/exec"
	"testing"
)

func TestReap(t *testing.T) {
	const entry = "CLIENTS_REAP=this one"
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), entry)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reap(t, "CLIENTS_REAP=another")
	reap(t, entry)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Errorf("the process ended by itself: %v", err)
	}
}
