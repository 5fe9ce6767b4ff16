package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blob is a part of an archive, served from where it lies.
type blob struct {
	io.ReaderAt
	offset, size int64
}

// store knows what the archives hold. It does not change after open.
type store struct {
	files []*os.File
	blobs map[string]blob // by digest
	// tags are whole names (registry.k8s.io/pause:3.10.2) with the manifest's digest and type.
	tags map[string]v1.Descriptor
}

// open indexes the archives of a directory.
func open(dir string) (*store, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no archives in %s (go run ./test/images)", dir)
	}
	s := &store{blobs: map[string]blob{}, tags: map[string]v1.Descriptor{}}
	for _, name := range names {
		if err := s.add(name); err != nil {
			s.close()
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return s, nil
}

func (s *store) close() {
	for _, f := range s.files {
		f.Close()
	}
}

func (s *store) add(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	s.files = append(s.files, f)
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Name == "index.json" {
			if err := s.index(r); err != nil {
				return err
			}
			continue
		}
		hex, ok := strings.CutPrefix(h.Name, "blobs/sha256/")
		if !ok {
			continue
		}
		// The reader does not read ahead: the file stands at the entry's first byte.
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		s.blobs["sha256:"+hex] = blob{ReaderAt: f, offset: offset, size: h.Size}
	}
}

func (s *store) index(r io.Reader) error {
	var index v1.IndexManifest
	if err := json.NewDecoder(r).Decode(&index); err != nil {
		return fmt.Errorf("index.json: %w", err)
	}
	for _, m := range index.Manifests {
		if name := m.Annotations["io.containerd.image.name"]; name != "" {
			s.tags[name] = m
		}
	}
	return nil
}

// manifest finds what a tag or digest of a repository names; registry may be empty when the client did not say.
func (s *store) manifest(registry, repository, reference string) (v1.Descriptor, bool) {
	for name, m := range s.tags {
		host, rest, _ := strings.Cut(name, "/")
		path, tag, _ := strings.Cut(rest, ":")
		if path == repository && (registry == "" || registry == host) && (reference == tag || reference == m.Digest.String()) {
			return m, true
		}
	}
	return v1.Descriptor{}, false
}
