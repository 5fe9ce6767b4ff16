package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
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
	_, self, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(self)))
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	out := flags.String("o", filepath.Join(root, "_output", "images"), "directory for the archives; its cache/ keeps what they are made of")
	if err := flags.Parse(args); err != nil {
		return err
	}
	abs, err := filepath.Abs(*out)
	if err != nil {
		return err
	}
	p := places{root: root, out: abs}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return writeAll(p, table(p))
}

// places says where the ingredients are.
type places struct {
	root string // the checkout
	out  string // archives
	// kubernetes is upstream's module in the module cache: some images hold a data file of it
	kubernetes string
}

func (p places) cache(elem ...string) string {
	return filepath.Join(append([]string{p.out, "cache"}, elem...)...)
}

// binary is a program made by hack/build-upstream.sh.
func (p places) binary(name string) string {
	return filepath.Join(p.root, "_output", "upstream", "bin", name)
}

// prepare makes all ingredients; each step returns at once when its result is there.
func (p *places) prepare(ctx context.Context) error {
	if err := os.MkdirAll(p.cache(), 0o755); err != nil {
		return err
	}
	debian := filepath.Join(p.root, "test", "images", "debian.sh")
	coredns := filepath.Join(p.root, "build", "images", "coredns")
	for _, step := range []struct {
		dir  string
		args []string
	}{
		{p.root, append([]string{filepath.Join("hack", "build-upstream.sh")}, upstreamPrograms...)},
		{p.root, []string{"go", "run", "./build/images", "-o", p.out}},
		{coredns, []string{"go", "build", "-p", "2", "-buildvcs=false", "-ldflags", "-s -w", "-o", p.cache("coredns"), "."}},
		{p.root, []string{debian, p.cache(), "busybox"}},
		{p.root, append([]string{debian, p.cache(), "packages"}, packages...)},
	} {
		cmd := exec.CommandContext(ctx, step.args[0], step.args[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = step.dir, os.Stderr, os.Stderr
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(step.args, " "), err)
		}
	}
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes")
	list.Dir = filepath.Join(p.root, "test", "upstream")
	dir, err := list.Output()
	if err != nil {
		return fmt.Errorf("looking for upstream's module: %w", err)
	}
	p.kubernetes = strings.TrimSpace(string(dir))
	return nil
}
