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

// WriteArchive writes img as an OCI archive (an image layout in a tar file) at file, to be imported as name. The file
// appears whole or not at all.
func WriteArchive(file, name string, img v1.Image) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".archive-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := writeArchive(tmp, name, img); err != nil {
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

func writeArchive(out io.Writer, name string, img v1.Image) error {
	w := tar.NewWriter(out)
	if err := entry(w, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	index, err := indexOf(name, img)
	if err != nil {
		return err
	}
	if err := entry(w, "index.json", index); err != nil {
		return err
	}
	blobs, err := blobsOf(img)
	if err != nil {
		return err
	}
	for _, b := range blobs {
		if err := b.write(w); err != nil {
			return err
		}
	}
	return w.Close()
}

// indexOf is the layout's one entry point.
func indexOf(name string, img v1.Image) ([]byte, error) {
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	size, err := img.Size()
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	return json.Marshal(v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests: []v1.Descriptor{{
			MediaType:   types.OCIManifestSchema1,
			Digest:      digest,
			Size:        size,
			Platform:    &v1.Platform{OS: config.OS, Architecture: config.Architecture},
			Annotations: map[string]string{annotationName: name, annotationTag: name[strings.LastIndex(name, ":")+1:]},
		}},
	})
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

// blobsOf lists manifest, configuration and layers, each once.
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
	seen := map[v1.Hash]bool{}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return nil, err
		}
		size, err := layer.Size()
		if err != nil {
			return nil, err
		}
		if !seen[digest] {
			seen[digest] = true
			blobs = append(blobs, blob{digest: digest, size: size, open: layer.Compressed})
		}
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
