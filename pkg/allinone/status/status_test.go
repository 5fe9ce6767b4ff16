package status

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestFollowSeesEachChange(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := Write(dir, Status{PID: 1}); err != nil {
		t.Fatal(err)
	}
	var seen []int
	err := Follow(ctx, dir, func(s Status) bool {
		seen = append(seen, s.PID)
		if s.PID < 3 {
			if err := Write(dir, Status{PID: s.PID + 1}); err != nil {
				t.Error(err)
			}
		}
		return s.PID == 3
	})
	if err != nil {
		t.Errorf("Follow: %v after %v", err, seen)
	}
}

func TestAlive(t *testing.T) {
	began, err := StartTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		s    Status
		want bool
	}{
		{"ourselves", Status{PID: os.Getpid(), StartTime: began}, true},
		{"the number was given to another process", Status{PID: os.Getpid(), StartTime: began + 1}, false},
		{"ended", Status{PID: ended.Process.Pid, StartTime: began}, false},
		{"never ran", Status{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.s.Alive(); got != c.want {
				t.Errorf("Alive() = %v", got)
			}
		})
	}
}
