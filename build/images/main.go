package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	out := flags.String("o", "", "directory for the archives (required)")
	arch := flags.String("arch", runtime.GOARCH, "architecture; another than this machine's needs CC to be its C compiler")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("-o is required")
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	_, self, _, _ := runtime.Caller(0)
	b := builder{source: filepath.Dir(self), out: *out, arch: *arch}
	for _, img := range table {
		if err := b.build(ctx, img); err != nil {
			return fmt.Errorf("making %s: %w", img.file, err)
		}
	}
	return nil
}
