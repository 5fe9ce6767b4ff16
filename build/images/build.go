package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"tiphys.dev/tiphys/build/images/compose"
)

// builder knows where things are.
type builder struct {
	source string // the folder build/images
	out    string
	arch   string
}

// build compiles and packs one image, unless the archive was made from the same sources.
func (b builder) build(ctx context.Context, img product) error {
	recipe, err := b.recipe(img)
	if err != nil {
		return err
	}
	archive := filepath.Join(b.out, img.file+".tar")
	stamp := filepath.Join(b.out, "."+img.file+".recipe")
	if old, err := os.ReadFile(stamp); err == nil && string(old) == recipe {
		if _, err := os.Stat(archive); err == nil {
			return nil
		}
	}
	dir, err := os.MkdirTemp("", "images-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, img.file)
	if err := img.compile(ctx, b, program); err != nil {
		return err
	}
	layer, err := compose.Layer([]compose.File{
		{Path: img.file, Mode: 0o755, Source: program, Capability: img.capability},
	}, compose.Zstd)
	if err != nil {
		return err
	}
	image, err := compose.Image(b.arch, img.config, layer)
	if err != nil {
		return err
	}
	if err := compose.WriteArchive(archive, compose.Named{Name: img.name, Image: image}); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(recipe), 0o644)
}

// recipe is a digest of everything the archive depends on.
func (b builder) recipe(img product) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), b.arch, os.Getenv("CC"))
	for _, dir := range []string{".", "compose", img.sources} {
		entries, err := fs.ReadDir(os.DirFS(b.source), dir)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			data, err := os.ReadFile(filepath.Join(b.source, dir, e.Name()))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s/%s %d\n", dir, e.Name(), len(data))
			h.Write(data)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// execute runs a compiler; its messages go to the caller's terminal.
func execute(dir string, env []string, cmd *exec.Cmd) error {
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}
