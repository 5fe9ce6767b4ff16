package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Importer speaks to one containerd.
type Importer struct {
	// Ctr is the path of containerd's command line client, Socket of its socket.
	Ctr, Socket string
}

// namespace is where the kubelet's images are.
const namespace = "k8s.io"

// Import brings all images of an archive in and returns their names.
func (i Importer) Import(ctx context.Context, archive string) ([]string, error) {
	names, err := Names(archive)
	if err != nil {
		return nil, err
	}
	if err := i.run(ctx, "images", "import", "--label", "io.cri-containerd.pinned=pinned", archive); err != nil {
		return nil, fmt.Errorf("importing %s: %w", archive, err)
	}
	return names, nil
}

func (i Importer) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, i.Ctr, append([]string{"--address", i.Socket, "--namespace", namespace}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Names lists the images an archive holds, by their full names.
func Names(archive string) ([]string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := readNames(file)
	if err != nil {
		return nil, fmt.Errorf("%s is no image archive: %w", archive, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s names no image: build it with a name (docker save NAME, or an OCI archive with the annotation io.containerd.image.name)", archive)
	}
	return names, nil
}

// readNames looks into index.json (OCI) and manifest.json (docker); archives may have both.
func readNames(archive io.Reader) ([]string, error) {
	var index struct {
		Manifests []struct{ Annotations map[string]string }
	}
	var docker []struct{ RepoTags []string }
	known := false
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var into any
		switch filepath.Clean(header.Name) {
		case "index.json":
			into = &index
		case "manifest.json":
			into = &docker
		default:
			continue
		}
		if err := json.NewDecoder(r).Decode(into); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
		known = true
	}
	if !known {
		return nil, errors.New("neither index.json nor manifest.json is in it")
	}
	var names []string
	for _, m := range index.Manifests {
		if name := m.Annotations["io.containerd.image.name"]; name != "" {
			names = append(names, name)
		} else if name := m.Annotations["org.opencontainers.image.ref.name"]; strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	for _, m := range docker {
		names = append(names, m.RepoTags...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
