package compose

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// annotationName is where containerd's importer looks for the whole name of an image of an OCI archive.
const annotationName = "io.containerd.image.name"

// annotationTag is the standard's place, which holds the tag only.
const annotationTag = "org.opencontainers.image.ref.name"

// Named is an image and the whole name it is imported under.
type Named struct {
	Name  string
	Image v1.Image
}

// WriteArchive writes images as one OCI archive (an image layout in a tar file) at file; what they share is in it once. The file
// appears whole or not at all.
func WriteArchive(file string, images ...Named) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".archive-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := writeArchive(tmp, images); err != nil {
		tmp.Close()
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

func writeArchive(out io.Writer, images []Named) error {
	w := tar.NewWriter(out)
	if err := entry(w, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, one := range images {
		d, err := descriptor(one)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		index.Manifests = append(index.Manifests, d)
	}
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := entry(w, "index.json", data); err != nil {
		return err
	}
	written := map[v1.Hash]bool{}
	for _, one := range images {
		blobs, err := blobsOf(one.Image)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		for _, b := range blobs {
			if written[b.digest] {
				continue
			}
			written[b.digest] = true
			if err := b.write(w); err != nil {
				return fmt.Errorf("%s: %w", one.Name, err)
			}
		}
	}
	return w.Close()
}

// descriptor is an image's line in the index of the archive.
func descriptor(one Named) (v1.Descriptor, error) {
	digest, err := one.Image.Digest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	size, err := one.Image.Size()
	if err != nil {
		return v1.Descriptor{}, err
	}
	config, err := one.Image.ConfigFile()
	if err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{
		MediaType:   types.OCIManifestSchema1,
		Digest:      digest,
		Size:        size,
		Platform:    &v1.Platform{OS: config.OS, Architecture: config.Architecture},
		Annotations: map[string]string{annotationName: one.Name, annotationTag: one.Name[strings.LastIndex(one.Name, ":")+1:]},
	}, nil
}

// blob is one content-addressed part of an image.
type blob struct {
	digest v1.Hash
	size   int64
	open   func() (io.ReadCloser, error)
}

func (b blob) write(w *tar.Writer) error {
	r, err := b.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := w.WriteHeader(&tar.Header{Name: "blobs/" + b.digest.Algorithm + "/" + b.digest.Hex, Mode: 0o644, Size: b.size}); err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}

// blobsOf lists manifest, configuration and layers.
func blobsOf(img v1.Image) ([]blob, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	configName, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	blobs := []blob{inMemory(digest, manifest), inMemory(configName, config)}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return nil, err
		}
		size, err := layer.Size()
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, blob{digest: digest, size: size, open: layer.Compressed})
	}
	return blobs, nil
}

func inMemory(digest v1.Hash, data []byte) blob {
	return blob{digest: digest, size: int64(len(data)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(data))), nil
	}}
}

func entry(w *tar.Writer, name string, data []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
