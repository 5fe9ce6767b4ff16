package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	dir := flags.String("dir", "_output/images", "directory of the archives")
	listen := flags.String("listen", "127.0.0.1:0", "address to serve on")
	hostsDir := flags.String("hosts-dir", "", "containerd's certs.d, to write _default/hosts.toml to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := open(*dir)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if *hostsDir != "" {
		file, err := writeHosts(*hostsDir, l.Addr().String())
		if err != nil {
			return err
		}
		// Afterwards nobody answers here: pulls shall go where they went before.
		defer os.Remove(file)
	}
	fmt.Printf("serving %d images on http://%s\n", len(s.tags), l.Addr())
	server := &http.Server{Handler: handler{s}, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// writeHosts writes the file, and returns its path, that makes this the only place containerd asks, for every name that has no file of its own.
func writeHosts(dir, address string) (string, error) {
	dir = filepath.Join(dir, "_default")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text := fmt.Sprintf("server = \"http://%s\"\n\n[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", address, address)
	file := filepath.Join(dir, "hosts.toml")
	return file, os.WriteFile(file, []byte(text), 0o644)
}
