package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tiphys.dev/tiphys/test/bench/load"
)

// profileSpan is how much of each kind of work a processor profile covers.
const profileSpan = 5 * time.Second

// profile starts to take a processor profile of kube-apiserver, if profiles are wanted. What it returns waits for its end. A server is
// slower by a few percent meanwhile, so such a run is for finding out where time goes and its figures are not for the page.
func (b *bench) profile(ctx context.Context, c *load.Client, side, work string) func() error {
	if b.profiles == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		seconds := strconv.Itoa(int(profileSpan.Seconds()))
		done <- b.saveProfile(ctx, c, "/debug/pprof/profile?seconds="+seconds, side+"-"+work+".cpu")
	}()
	return func() error { return <-done }
}

// heap saves what lives, and what was allocated so far.
func (b *bench) heap(ctx context.Context, c *load.Client, side, work string) error {
	if b.profiles == "" {
		return nil
	}
	return b.saveProfile(ctx, c, "/debug/pprof/heap", side+"-"+work+".heap")
}

func (b *bench) saveProfile(ctx context.Context, c *load.Client, path, name string) error {
	data, err := c.Typed.RESTClient().Get().RequestURI(path).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("taking the profile %s: %w", name, err)
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.profiles, strings.ReplaceAll(name, " ", "-")), data, 0o644)
}
