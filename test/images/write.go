package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tiphys.dev/tiphys/build/images/compose"
)

// nameLabel makes images that would be equal differ: kubelet and tests tell images apart by digest.
const nameLabel = "dev.tiphys.image"

// composer remembers the layers of one run.
type composer struct {
	recipe recipe
	files  map[string][]compose.File
	layers map[string]v1.Layer
}

// writeAll writes the archive of each image whose content changed.
func writeAll(p places, r recipe) error {
	c := composer{recipe: r, files: map[string][]compose.File{}, layers: map[string]v1.Layer{}}
	for _, img := range r.images {
		if err := c.image(p, img); err != nil {
			return fmt.Errorf("composing %s: %w", img.name, err)
		}
	}
	return nil
}

func (c *composer) image(p places, img image) error {
	archive := filepath.Join(p.out, archiveName(img.name))
	stamp := filepath.Join(p.out, "."+archiveName(img.name)+".recipe")
	want, err := c.fingerprint(img)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(stamp); err == nil && string(old) == want {
		if _, err := os.Stat(archive); err == nil {
			return nil
		}
	}
	layers := make([]v1.Layer, 0, len(img.layers))
	for _, name := range img.layers {
		layer, err := c.layer(name)
		if err != nil {
			return fmt.Errorf("layer %s: %w", name, err)
		}
		layers = append(layers, layer)
	}
	config := configOf(img)
	made, err := compose.Image(runtime.GOARCH, config, layers...)
	if err != nil {
		return err
	}
	if err := compose.WriteArchive(archive, img.name, made); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

func configOf(img image) v1.Config {
	config := img.config
	config.Env = []string{searchPath}
	config.WorkingDir = "/"
	config.Labels = maps.Clone(config.Labels)
	if config.Labels == nil {
		config.Labels = map[string]string{}
	}
	config.Labels[nameLabel] = img.name
	return config
}

// content lists the files of a layer, once.
func (c *composer) content(name string) ([]compose.File, error) {
	if list, ok := c.files[name]; ok {
		return list, nil
	}
	make, ok := c.recipe.layers[name]
	if !ok {
		return nil, fmt.Errorf("no layer %q in the table", name)
	}
	list, err := make()
	if err != nil {
		return nil, err
	}
	c.files[name] = list
	return list, nil
}

func (c *composer) layer(name string) (v1.Layer, error) {
	if layer, ok := c.layers[name]; ok {
		return layer, nil
	}
	list, err := c.content(name)
	if err != nil {
		return nil, err
	}
	layer, err := compose.Layer(list, compose.Plain)
	if err != nil {
		return nil, err
	}
	c.layers[name] = layer
	return layer, nil
}

// fingerprint covers everything that goes into an image; files of this machine count by size and time, as reading all takes long.
func (c *composer) fingerprint(img image) (string, error) {
	h := sha256.New()
	config, err := json.Marshal(configOf(img))
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "%s %s\n", img.name, config)
	for _, name := range img.layers {
		list, err := c.content(name)
		if err != nil {
			return "", fmt.Errorf("layer %s: %w", name, err)
		}
		for _, f := range list {
			fmt.Fprintf(h, "%q %o %d %d %q %q %t\n", f.Path, f.Mode, f.UID, f.GID, f.Link, f.Data, f.Dir)
			if f.Source == "" {
				continue
			}
			info, err := os.Stat(f.Source)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(h, f.Source, info.Size(), info.ModTime().UnixNano())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// archiveName makes a file name of the last part of an image's name.
func archiveName(image string) string {
	last := image[strings.LastIndex(image, "/")+1:]
	return strings.ReplaceAll(last, ":", "_") + ".tar"
}

// unused reports layers no image has: a forgotten row.
func (r recipe) unused() []string {
	used := map[string]bool{}
	for _, img := range r.images {
		for _, name := range img.layers {
			used[name] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.layers)), func(name string) bool { return used[name] })
}
