package peer

import (
	"context"
	"testing"
)

// Start runs a cluster for the length of a test, in a temporary directory unless cfg.Dir says otherwise. The test is skipped
// when upstream's binaries are not built.
func Start(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	c, err := New(cfg)
	if err != nil {
		tb.Skipf("no upstream control plane: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("upstream control plane: %v", err)
		}
	})
	select {
	case <-c.Ready():
	case err := <-done:
		done <- nil
		tb.Fatalf("upstream control plane: %v", err)
	}
	return c
}
