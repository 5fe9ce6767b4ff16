package image

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"
)

func archive(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestReadNames(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		want  []string
		fails string
	}{
		{"OCI with containerd's annotation", map[string]string{
			"index.json": `{"manifests":[{"annotations":{"io.containerd.image.name":"registry.k8s.io/pause:3.10.2"}}]}`,
		}, []string{"registry.k8s.io/pause:3.10.2"}, ""},
		{"OCI with a full reference", map[string]string{
			"./index.json": `{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"example.org/a:1"}}]}`,
		}, []string{"example.org/a:1"}, ""},
		{"OCI with a bare tag", map[string]string{
			"index.json": `{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`,
		}, nil, ""},
		{"docker", map[string]string{"manifest.json": `[{"RepoTags":["b:1","a:1"]}]`}, []string{"a:1", "b:1"}, ""},
		{"both kinds name one image", map[string]string{
			"index.json":    `{"manifests":[{"annotations":{"io.containerd.image.name":"a:1"}}]}`,
			"manifest.json": `[{"RepoTags":["a:1"]}]`,
		}, []string{"a:1"}, ""},
		{"some other tar file", map[string]string{"README": "x"}, nil, "neither"},
		{"damaged", map[string]string{"index.json": `{"mani`}, nil, "index.json"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := readNames(archive(t, c.files))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}
