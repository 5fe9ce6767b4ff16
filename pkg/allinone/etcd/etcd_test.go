package etcd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

// run starts a member and returns it with a function that stops it.
func run(t *testing.T, cfg Config) (*Etcd, func() error) {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-result:
		t.Fatalf("Run: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("not ready")
	}
	return e, func() error { cancel(); return <-result }
}

func TestDataSurvivesARestartAndIsSeenOverTheSocket(t *testing.T) {
	ctx := context.Background()
	cfg := Config{Dir: filepath.Join(t.TempDir(), "etcd"), Socket: filepath.Join(t.TempDir(), "e.sock")}
	source := NewSource()
	cfg.Source = source
	client := source.NewClient()
	defer client.Close()
	_, stop := run(t, cfg)
	if _, err := client.Put(ctx, "/registry/x", "1"); err != nil {
		t.Fatal(err)
	}
	watch := client.Watch(ctx, "/registry/x")
	if _, err := client.Put(ctx, "/registry/x", "2"); err != nil {
		t.Fatal(err)
	}
	if event := <-watch; event.Err() != nil || len(event.Events) != 1 {
		t.Fatalf("watch: %v", event)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run: %v", err)
	}
	// The watch ends with the member; the client goes on with the next one, and a call waits for it.
	for event := range watch {
		if event.Err() == nil {
			t.Errorf("an event after the end: %v", event)
		}
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := client.Get(ctx, "/registry/x")
		waiting <- err
	}()
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := client.Txn(short).Then(clientv3.OpGet("/registry/x")).Commit(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call without a member: %v", err)
	}
	_, stop = run(t, cfg)
	defer stop()
	if err := <-waiting; err != nil {
		t.Errorf("the call that waited: %v", err)
	}
	other, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + cfg.Socket}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	got, err := other.Get(ctx, "/registry/x")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "2" {
		t.Errorf("got %v", got.Kvs)
	}
}

func TestDamageIsAPermanentErrorThatNamesTheFolder(t *testing.T) {
	cases := []struct {
		name, file string
	}{
		{"database", "member/snap/db"},
		{"log", "member/wal/*.wal"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Dir: filepath.Join(t.TempDir(), "etcd")}
			cfg.Source = NewSource()
			_, stop := run(t, cfg)
			if _, err := cfg.Source.NewClient().Put(context.Background(), "a", "b"); err != nil {
				t.Fatal(err)
			}
			stop()
			files, err := filepath.Glob(filepath.Join(cfg.Dir, c.file))
			if err != nil || len(files) == 0 {
				t.Fatalf("no %s: %v", c.file, err)
			}
			garbage := []byte(strings.Repeat("garbage ", 4096))
			if err := os.WriteFile(files[0], garbage, 0o600); err != nil {
				t.Fatal(err)
			}
			broken, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = broken.Run(context.Background())
			if !lifecycle.IsPermanent(err) || !strings.Contains(err.Error(), cfg.Dir) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestNewRejects(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no folder": {}, "long socket": {Dir: "/x", Socket: "/" + strings.Repeat("x", 120)},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestElectsItselfAtOnce holds that nothing waits for ticks, of a new store, of one that is there, and of one with a long log.
func TestElectsItselfAtOnce(t *testing.T) {
	source := NewSource()
	client := source.NewClient()
	defer client.Close()
	// The longest that etcd takes. A member skips all ticks but one when it waits by itself.
	cfg := Config{Dir: filepath.Join(t.TempDir(), "etcd"), Source: source, tick: 10 * time.Second}
	for _, store := range []string{"new", "existing", "used", "used again"} {
		began := time.Now()
		_, stop := run(t, cfg)
		if took := time.Since(began); took >= cfg.tick {
			t.Errorf("%s store: ready after %v, a tick of %v", store, took, cfg.tick)
		}
		if store == "existing" {
			for i := range 200 {
				if _, err := client.Put(t.Context(), "/registry/x", strconv.Itoa(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s store: %v", store, err)
		}
	}
}
