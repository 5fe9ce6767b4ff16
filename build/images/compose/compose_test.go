package compose

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestLayerIsSortedCompleteAndKeepsModes(t *testing.T) {
	layer, err := Layer([]File{
		{Path: "/usr/bin/su", Mode: 0o4755, Data: []byte("su")},
		{Path: "tmp", Mode: 0o1777, Dir: true},
		{Path: "bin", Link: "usr/bin"},
		{Path: "usr/bin/ping", Mode: 0o755, Data: []byte("old")},
		{Path: "usr/bin/ping", Mode: 0o755, UID: 7, GID: 8, Data: []byte("new"), Capability: []byte{1, 0}},
	}, Plain)
	if err != nil {
		t.Fatal(err)
	}
	r, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Join([]string{h.Name, h.FileInfo().Mode().String(), h.Linkname, string(data)}, " ")
		if h.PAXRecords["SCHILY.xattr.security.capability"] != "" {
			line += " +capability"
		}
		got = append(got, line)
	}
	want := []string{
		"bin Lrwxrwxrwx usr/bin ",
		"tmp/ dtrwxrwxrwx  ",
		"usr/ drwxr-xr-x  ",
		"usr/bin/ drwxr-xr-x  ",
		"usr/bin/ping -rwxr-xr-x  new +capability",
		"usr/bin/su urwxr-xr-x  su",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestSameFilesGiveTheSameImage(t *testing.T) {
	// The first bytes of the layer as it is kept: a name of the first entry, or zstd's magic number.
	for name, tc := range map[string]struct {
		form  Form
		begin string
	}{"plain": {Plain, "a/\x00"}, "zstd": {Zstd, "\x28\xb5\x2f\xfd"}} {
		t.Run(name, func(t *testing.T) {
			digests := map[v1.Hash]bool{}
			for range 2 {
				img := imageOf(t, tc.form)
				layers, err := img.Layers()
				if err != nil {
					t.Fatal(err)
				}
				for _, layer := range layers {
					consistent(t, layer)
					r, err := layer.Compressed()
					if err != nil {
						t.Fatal(err)
					}
					data, err := io.ReadAll(r)
					if err != nil {
						t.Fatal(err)
					}
					if !strings.HasPrefix(string(data), tc.begin) {
						t.Errorf("layer begins with %q, want %q", data[:4], tc.begin)
					}
				}
				digest, err := img.Digest()
				if err != nil {
					t.Fatal(err)
				}
				digests[digest] = true
			}
			if len(digests) != 1 {
				t.Errorf("two compositions gave digests %v", digests)
			}
		})
	}
}

func TestArchiveHoldsNameAndEveryBlob(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tar")
	img := imageOf(t, Zstd)
	if err := WriteArchive(file, Named{"registry.example/a/b:v1", img}, Named{"registry.example/a/b:v2", img}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var index string
	blobs := 0
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "index.json" {
			index = string(data)
		}
		if hex, ok := strings.CutPrefix(h.Name, "blobs/sha256/"); ok {
			blobs++
			got, _, err := v1.SHA256(strings.NewReader(string(data)))
			if err != nil || got.Hex != hex {
				t.Errorf("blob %s has digest %s (%v)", hex, got, err)
			}
		}
	}
	for _, name := range []string{"v1", "v2"} {
		if !strings.Contains(index, `"io.containerd.image.name":"registry.example/a/b:`+name+`"`) {
			t.Errorf("index does not name %s: %s", name, index)
		}
	}
	if blobs != 3 {
		t.Errorf("%d blobs, want manifest, configuration and one layer, each once", blobs)
	}
}

// consistent checks both digests of a layer against its bytes.
func consistent(t *testing.T, layer v1.Layer) {
	t.Helper()
	for name, half := range map[string]struct {
		open func() (io.ReadCloser, error)
		want func() (v1.Hash, error)
	}{"compressed": {layer.Compressed, layer.Digest}, "uncompressed": {layer.Uncompressed, layer.DiffID}} {
		want, err := half.want()
		if err != nil {
			t.Fatal(err)
		}
		r, err := half.open()
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := v1.SHA256(r); err != nil || got != want {
			t.Errorf("%s bytes have digest %s (%v), the layer says %s", name, got, err, want)
		}
	}
}

func imageOf(t *testing.T, form Form) v1.Image {
	t.Helper()
	layer, err := Layer([]File{{Path: "a/b", Mode: 0o644, Data: []byte("hello")}}, form)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Image("amd64", v1.Config{Entrypoint: []string{"/a/b"}}, layer)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
