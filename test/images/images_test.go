package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiphys.dev/tiphys/build/images/compose"
)

func TestTableIsClosed(t *testing.T) {
	r := table(places{root: "/checkout", out: "/out", kubernetes: "/module"})
	if unused := r.unused(); len(unused) != 0 {
		t.Errorf("layers no image has: %v", unused)
	}
	names := map[string]bool{}
	for _, img := range r.images {
		for _, layer := range img.layers {
			if r.layers[layer] == nil {
				t.Errorf("%s: layer %q is not in the table", img.name, layer)
			}
		}
		if names[img.name] {
			t.Errorf("%s is in the table twice", img.name)
		}
		names[img.name] = true
	}
}

// The table of docs/conformance.md is what the suite asks for; a name that is missing here fails tests far away.
func TestTableHasEveryImageOfTheSuite(t *testing.T) {
	have := map[string]bool{}
	for _, img := range table(places{}).images {
		have[strings.TrimPrefix(img.name, "registry.k8s.io/")] = true
	}
	for _, want := range []string{
		"agnhost:2.63.0", "agnhost:2.55", "busybox:1.37.0-1", "busybox:1.36.1-1", "glibc-dns-testing:2.0.0", "kitten:1.8", "nautilus:1.8",
		"nginx:1.15-4", "nginx:1.27-0", "nonewprivs:1.4", "nonroot:1.5", "regression-issue-74839:1.4", "ipc-utils:1.4", "sample-apiserver:1.29.2",
	} {
		if !have["e2e-test-images/"+want] {
			t.Errorf("no %s", want)
		}
	}
	if !have["etcd:3.6.8-0"] {
		t.Error("no etcd")
	}
}

func TestImagesOfOneContentDifferInTheirLabel(t *testing.T) {
	images := table(places{}).images
	a, b := configOf(images[0]), configOf(images[1])
	if a.Labels[nameLabel] == b.Labels[nameLabel] {
		t.Errorf("%s and %s would have one digest", images[0].name, images[1].name)
	}
	if images[0].config.Labels != nil {
		t.Error("labelling changed the table")
	}
}

func TestBaseKeepsModesAndNamesOfBusybox(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("busybox", filepath.Join(dir, "bin/nc")); err != nil {
		t.Fatal(err)
	}
	files, err := baseFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]compose.File{}
	for _, f := range files {
		got[f.Path] = f
	}
	if got["tmp"].Mode != 0o1777 {
		t.Errorf("/tmp has mode %o", got["tmp"].Mode)
	}
	if !strings.Contains(string(got["etc/os-release"].Data), "Alpine Linux") {
		t.Error("os-release does not name the distribution a test looks for")
	}
	if diff := cmp.Diff(map[string]string{"nc": "bin/nc"}, applets(files)); diff != "" {
		t.Errorf("applets (-want +got):\n%s", diff)
	}
}

func TestToolsBringTheirLibrariesAndReplaceApplets(t *testing.T) {
	// This machine's own env is a program with a loader and libraries, whatever its distribution.
	link := filepath.Join("usr", "bin", "env")
	files, err := toolFiles("/", []tool{{path: link, alias: "usr/local/bin/environment"}}, map[string]string{"environment": "bin/environment"})
	if err != nil {
		t.Skipf("this machine's programs are laid out differently: %v", err)
	}
	got := map[string]compose.File{}
	for _, f := range files {
		got[f.Path] = f
	}
	if got["usr/local/bin/environment"].Link != "/usr/bin/env" || got["bin/environment"].Link != "/usr/bin/env" {
		t.Errorf("names of the tool: %+v %+v", got["usr/local/bin/environment"], got["bin/environment"])
	}
	libc := false
	for path := range got {
		libc = libc || strings.Contains(path, "libc.so")
	}
	if !libc {
		t.Errorf("no C library among %d files", len(files))
	}
}

func TestMissingToolIsReported(t *testing.T) {
	if _, err := toolFiles(t.TempDir(), []tool{{path: "bin/none"}}, nil); err == nil {
		t.Error("a tool that is not there was accepted")
	}
}
