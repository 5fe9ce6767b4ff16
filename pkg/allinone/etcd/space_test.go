package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"golang.org/x/sys/unix"
	testingclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

// alarms plays the server.
type alarms struct{ got []string }

func (a *alarms) Alarm(_ context.Context, r *etcdserverpb.AlarmRequest) (*etcdserverpb.AlarmResponse, error) {
	a.got = append(a.got, r.Action.String())
	return &etcdserverpb.AlarmResponse{}, nil
}

func TestGuard(t *testing.T) {
	const on, off = "ACTIVATE", "DEACTIVATE"
	cases := []struct {
		name   string
		raised bool
		within bool
		free   []uint64 // MiB, one look after the other
		want   []string
	}{
		{"plenty", false, true, []uint64{1000, 65, 49}, nil},
		{"fills up and is freed", false, true, []uint64{100, 47, 10, 47, 63, 65, 100}, []string{on, off}},
		{"wavers", false, true, []uint64{47, 50, 47, 60, 47}, []string{on}},
		{"full before a restart, free now", true, true, []uint64{100}, []string{off}},
		{"etcd's own alarm stays", true, false, []uint64{100, 100}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, n := &alarms{}, 0
			g := &guard{raised: c.raised, member: server, within: func() bool { return c.within }, free: func() (uint64, error) {
				n++
				return c.free[n-1] << 20, nil
			}}
			for range c.free {
				g.check(t.Context())
			}
			if fmt.Sprint(server.got) != fmt.Sprint(c.want) {
				t.Errorf("alarms %v, want %v", server.got, c.want)
			}
		})
	}
}

// smallDisk mounts one that goes with the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// TestFullDisk fills the disk below a running store.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "320m")
	clock := testingclock.NewFakeClock(time.Unix(0, 0))
	cfg := Config{Dir: filepath.Join(disk, "etcd"), Clock: clock, Source: NewSource()}
	_, stop := run(t, cfg)
	client := cfg.Source.NewClient()
	defer client.Close()
	stored := 0
	put := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := client.Put(ctx, fmt.Sprintf("/registry/x/%04d", stored+1), strings.Repeat("v", 1000))
		if err == nil {
			stored++
		}
		return err
	}
	for range 100 {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	// until lets the guard look until writes go as wanted.
	until := func(what string, done func(error) bool) {
		t.Helper()
		for range 1000 {
			if done(put()) {
				return
			}
			clock.Step(look)
		}
		t.Fatalf("writes did not become %s", what)
	}
	filler := filepath.Join(disk, "filler")
	fill(t, disk, filler, scarce-(4<<20))
	until("refused", func(err error) bool { return errors.Is(err, rpctypes.ErrNoSpace) })
	if err := put(); err == nil || !strings.Contains(err.Error(), "space exceeded") {
		t.Errorf("a write to a full disk: %v", err)
	}
	if got, err := client.Get(t.Context(), "/registry/x/0001"); err != nil || len(got.Kvs) != 1 {
		t.Errorf("a read from a full disk: %v %v", got, err)
	}
	if _, err := client.Delete(t.Context(), "/registry/none"); err != nil {
		t.Errorf("a deletion on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until("accepted", func(err error) bool { return err == nil })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	want := stored
	_, stop = run(t, cfg)
	defer stop()
	for i := range want {
		key := fmt.Sprintf("/registry/x/%04d", i+1)
		if got, err := client.Get(t.Context(), key); err != nil || len(got.Kvs) != 1 {
			t.Fatalf("%s after a restart: %v %v", key, got, err)
		}
	}
}

// fill leaves only so many bytes.
func fill(t *testing.T, disk, file string, left int64) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The store may take its part in between.
	for err = unix.ENOSPC; errors.Is(err, unix.ENOSPC); {
		var fs unix.Statfs_t
		if err := unix.Statfs(disk, &fs); err != nil {
			t.Fatal(err)
		}
		err = unix.Fallocate(int(f.Fd()), 0, 0, int64(fs.Bavail)*fs.Bsize-left)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDiskFullAtOnce fills the disk faster than the guard looks: etcd would end the process, here Run ends and says why.
func TestDiskFullAtOnce(t *testing.T) {
	disk := smallDisk(t, "200m")
	source := NewSource()
	client := source.NewClient()
	defer client.Close()
	e, err := New(Config{Dir: filepath.Join(disk, "etcd"), Clock: testingclock.NewFakeClock(time.Unix(0, 0)), Source: source})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- e.Run(ctx) }()
	<-e.Ready()
	fill(t, disk, filepath.Join(disk, "filler"), 0)
	go func() {
		for ctx.Err() == nil {
			// The last one never gets an answer.
			_, _ = client.Put(ctx, "/registry/x", strings.Repeat("v", 100_000))
		}
	}()
	select {
	case err := <-result:
		if !lifecycle.IsPermanent(err) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "is full: free some space and start again") {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Run goes on")
	}
}
