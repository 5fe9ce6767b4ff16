package compose

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is one entry of a layer. Exactly one of Data, Source and Link is set for a file or symbolic link; none for a directory.
type File struct {
	// Path inside the image, without leading slash.
	Path string
	// Mode holds the permission bits with setuid (04000), setgid (02000) and sticky (01000) as chmod(1) takes them.
	Mode int64
	// UID and GID own the file.
	UID, GID int
	// Data is the content.
	Data []byte
	// Source is a file on this machine with the content.
	Source string
	// Link makes a symbolic link to this target.
	Link string
	// HardLink makes another name of the earlier entry of this path.
	HardLink string
	// Dir makes a directory.
	Dir bool
	// Capability is the value of security.capability, as setcap(8) writes it.
	Capability []byte
}

// Form is how the bytes of a layer are kept.
type Form int

// Plain layers are imported fastest; Zstd layers are small to ship.
const (
	Plain Form = iota
	Zstd
)

// Layer packs files, sorted by path; parent directories that are not listed are made with mode 0755.
func Layer(files []File, form Form) (v1.Layer, error) {
	data, err := pack(files)
	if err != nil {
		return nil, err
	}
	if form == Plain {
		return static.NewLayer(data, types.OCIUncompressedLayer), nil
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
}

func pack(files []File) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range complete(files) {
		if err := write(w, f); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// complete cleans paths, adds missing parents and sorts; of two entries with one path the later wins.
func complete(files []File) []File {
	byPath := map[string]File{}
	for _, f := range files {
		f.Path = strings.TrimPrefix(path.Clean("/"+f.Path), "/")
		if f.Path == "" {
			continue
		}
		byPath[f.Path] = f
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if _, ok := byPath[dir]; !ok {
				byPath[dir] = File{Path: dir, Mode: 0o755, Dir: true}
			}
		}
	}
	list := make([]File, 0, len(byPath))
	for _, f := range byPath {
		list = append(list, f)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	return list
}

func write(w *tar.Writer, f File) error {
	header := &tar.Header{Name: f.Path, Mode: f.Mode, Uid: f.UID, Gid: f.GID, Format: tar.FormatPAX}
	if f.Capability != nil {
		header.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(f.Capability)}
	}
	data := f.Data
	switch {
	case f.Dir:
		header.Typeflag, header.Name = tar.TypeDir, f.Path+"/"
	case f.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.HardLink != "":
		header.Typeflag, header.Linkname = tar.TypeLink, strings.TrimPrefix(f.HardLink, "/")
	default:
		header.Typeflag = tar.TypeReg
		if f.Source != "" {
			var err error
			if data, err = os.ReadFile(f.Source); err != nil {
				return err
			}
		}
		header.Size = int64(len(data))
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := w.Write(data)
	return err
}
