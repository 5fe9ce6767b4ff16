package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tiphys.dev/tiphys/build/images/compose"
)

const imageName = "registry.example/tests/hello:v1"

// serve starts a registry with one image and returns its address and the image.
func serve(t *testing.T) (string, v1.Image) {
	t.Helper()
	dir := t.TempDir()
	layer, err := compose.Layer([]compose.File{{Path: "hello", Mode: 0o755, Data: []byte(strings.Repeat("hello ", 10000))}}, compose.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	img, err := compose.Image("amd64", v1.Config{Cmd: []string{"/hello"}}, layer)
	if err != nil {
		t.Fatal(err)
	}
	if err := compose.WriteArchive(filepath.Join(dir, "hello.tar"), compose.Named{Name: imageName, Image: img}); err != nil {
		t.Fatal(err)
	}
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	server := httptest.NewServer(handler{s})
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), img
}

// get fetches a path and checks that the bytes have the digest the answer states.
func get(t *testing.T, address, path string) []byte {
	t.Helper()
	resp, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s: %s", path, resp.Status, body)
	}
	got, _, err := v1.SHA256(bytes.NewReader(body))
	if err != nil || got.String() != resp.Header.Get("Docker-Content-Digest") {
		t.Errorf("%s: digest %s (%v), header says %s", path, got, err, resp.Header.Get("Docker-Content-Digest"))
	}
	return body
}

// A client asks for the manifest, then for the configuration and the layers it names.
func TestImageIsPulledByTagAndDigest(t *testing.T) {
	address, img := serve(t)
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for _, reference := range []string{"v1", digest.String()} {
		raw := get(t, address, "/v2/tests/hello/manifests/"+reference)
		if got, _, err := v1.SHA256(bytes.NewReader(raw)); err != nil || got != digest {
			t.Errorf("manifest %s has digest %s (%v), want %s", reference, got, err, digest)
		}
		manifest, err := v1.ParseManifest(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range append(manifest.Layers, manifest.Config) {
			if body := get(t, address, "/v2/tests/hello/blobs/"+part.Digest.String()); int64(len(body)) != part.Size {
				t.Errorf("blob %s has %d bytes, the manifest says %d", part.Digest, len(body), part.Size)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	address, _ := serve(t)
	for _, tc := range []struct {
		name, method, path string
		want               int
	}{
		{"version", http.MethodGet, "/v2/", 200},
		{"right registry", http.MethodHead, "/v2/tests/hello/manifests/v1?ns=registry.example", 200},
		{"other registry", http.MethodHead, "/v2/tests/hello/manifests/v1?ns=invalid.example", 404},
		{"other tag", http.MethodGet, "/v2/tests/hello/manifests/v2", 404},
		{"other repository", http.MethodGet, "/v2/hello/manifests/v1", 404},
		{"unknown blob", http.MethodGet, "/v2/tests/hello/blobs/sha256:00", 404},
		{"push", http.MethodPost, "/v2/tests/hello/blobs/uploads/", 405},
		{"elsewhere", http.MethodGet, "/", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequest(tc.method, "http://"+address+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tc.want {
				t.Errorf("%s %s answered %d, want %d", tc.method, tc.path, resp.StatusCode, tc.want)
			}
		})
	}
}

func TestEmptyDirectoryIsAnError(t *testing.T) {
	if _, err := open(t.TempDir()); err == nil {
		t.Error("a directory without archives was accepted")
	}
}

func TestHostsFileSendsEverythingHere(t *testing.T) {
	dir := t.TempDir()
	file, err := writeHosts(dir, "10.0.0.1:5000")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "_default", "hosts.toml"); file != want {
		t.Errorf("wrote %s, want %s", file, want)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`server = "http://10.0.0.1:5000"`, `[host."http://10.0.0.1:5000"]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
