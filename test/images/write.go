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

// archiveName holds all images: they share most of their bytes, and one import takes a third of the time of many.
const archiveName = "conformance.tar"

// writeAll writes the archive when anything in it changed.
func writeAll(p places, r recipe) error {
	archive := filepath.Join(p.out, archiveName)
	stamp := filepath.Join(p.out, "."+archiveName+".recipe")
	c := composer{recipe: r, files: map[string][]compose.File{}, layers: map[string]v1.Layer{}}
	want, err := c.fingerprint()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(stamp); err == nil && string(old) == want {
		if _, err := os.Stat(archive); err == nil {
			return nil
		}
	}
	images := make([]compose.Named, 0, len(r.images))
	for _, img := range r.images {
		made, err := c.image(img)
		if err != nil {
			return fmt.Errorf("composing %s: %w", img.name, err)
		}
		images = append(images, compose.Named{Name: img.name, Image: made})
	}
	if err := compose.WriteArchive(archive, images...); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

func (c *composer) image(img image) (v1.Image, error) {
	layers := make([]v1.Layer, 0, len(img.layers))
	for _, name := range img.layers {
		layer, err := c.layer(name)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", name, err)
		}
		layers = append(layers, layer)
	}
	return compose.Image(runtime.GOARCH, configOf(img), layers...)
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

// fingerprint covers everything that goes into the images; files of this machine count by size and time, as reading all takes long.
func (c *composer) fingerprint() (string, error) {
	h := sha256.New()
	for _, img := range c.recipe.images {
		config, err := json.Marshal(configOf(img))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %s %q\n", img.name, config, img.layers)
	}
	for _, name := range slices.Sorted(maps.Keys(c.recipe.layers)) {
		list, err := c.content(name)
		if err != nil {
			return "", fmt.Errorf("layer %s: %w", name, err)
		}
		fmt.Fprintln(h, name)
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
