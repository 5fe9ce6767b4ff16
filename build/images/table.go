package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// product is one image: how its program is made and what the image says about it.
type product struct {
	file    string // archive, and name of the program in the image
	name    string // what pods call it: upstream's name, so that manifests need not change
	sources string // folder below build/images
	compile func(ctx context.Context, b builder, output string) error
	config  v1.Config
	// capability is the program's security.capability
	capability []byte
}

// netBindService is what `setcap cap_net_bind_service=+ep` writes: revision 2 with the effective bit, permitted 1<<10. CoreDNS
// serves port 53 as an ordinary user, also where the runtime does not open low ports to pods.
var netBindService = []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

var table = []product{
	{
		file: "pause", name: "registry.k8s.io/pause:3.10.2", sources: "pause", compile: compilePause,
		config: v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"},
	},
	{
		file: "coredns", name: "registry.k8s.io/coredns/coredns:v1.14.7", sources: "coredns", compile: compileCoreDNS,
		config: v1.Config{
			Entrypoint: []string{"/coredns"}, User: "65532:65532", WorkingDir: "/",
			ExposedPorts: map[string]struct{}{"53/tcp": {}, "53/udp": {}},
		},
		capability: netBindService,
	},
}

// compilePause needs no C library and gives a program of one page.
func compilePause(ctx context.Context, b builder, output string) error {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	return execute(b.source, nil, exec.CommandContext(ctx, cc, "-Os", "-Wall", "-Wextra", "-Werror",
		"-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
		"-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,noexecstack", "-s", "-o", output, filepath.Join("pause", "pause.c")))
}

func compileCoreDNS(ctx context.Context, b builder, output string) error {
	env := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + b.arch, "GOWORK=off", "GOFLAGS=-mod=readonly"}
	return execute(filepath.Join(b.source, "coredns"), env, exec.CommandContext(ctx,
		"go", "build", "-p", "2", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, "."))
}
