package subpath

import (
	"os"
	"path/filepath"
	"testing"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
)

func TestBind(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, volume, outside string)
		sub     string
		fails   bool
	}{
		"a directory":                  {sub: "dir", prepare: func(t *testing.T, v, _ string) { must(t, os.Mkdir(filepath.Join(v, "dir"), 0o755)) }},
		"missing directories are made": {sub: "a/b/c", prepare: func(*testing.T, string, string) {}},
		"a file":                       {sub: "file", prepare: func(t *testing.T, v, _ string) { must(t, os.WriteFile(filepath.Join(v, "file"), nil, 0o644)) }},
		"a link inside": {sub: "link", prepare: func(t *testing.T, v, _ string) {
			must(t, os.Mkdir(filepath.Join(v, "dir"), 0o755))
			must(t, os.Symlink("dir", filepath.Join(v, "link")))
		}},
		"a link outside":         {sub: "link", fails: true, prepare: func(t *testing.T, v, o string) { must(t, os.Symlink(o, filepath.Join(v, "link"))) }},
		"through a link outside": {sub: "link/new", fails: true, prepare: func(t *testing.T, v, o string) { must(t, os.Symlink(o, filepath.Join(v, "link"))) }},
		"upwards":                {sub: "../x", fails: true, prepare: func(*testing.T, string, string) {}},
		"absolute":               {sub: "/etc", fails: true, prepare: func(*testing.T, string, string) {}},
		"below a file":           {sub: "file/x", fails: true, prepare: func(t *testing.T, v, _ string) { must(t, os.WriteFile(filepath.Join(v, "file"), nil, 0o644)) }},
	} {
		t.Run(name, func(t *testing.T) {
			volume, outside, target := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "0")
			tc.prepare(t, volume, outside)
			fake := &mounter.Fake{}
			_, err := New(fake).Bind(volume, tc.sub, target)
			if (err != nil) != tc.fails {
				t.Fatalf("err = %v, want failure %v", err, tc.fails)
			}
			if _, mounted := fake.Points()[target]; mounted == tc.fails {
				t.Errorf("mounted %v", mounted)
			}
			if entries, _ := os.ReadDir(outside); len(entries) != 0 {
				t.Errorf("something was made outside the volume: %v", entries)
			}
		})
	}
}

// With real mounts: what is bound is what was there, and Clean leaves nothing.
func TestBindKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	volume, pod := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(volume, "file"), []byte("content"), 0o644))
	target := filepath.Join(pod, Dir, "v", "c", "0")
	b := New(mounter.Kernel{})
	if _, err := b.Bind(volume, "file", target); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = (mounter.Kernel{}).Unmount(target) }()
	if data, err := os.ReadFile(target); err != nil || string(data) != "content" {
		t.Errorf("bound file: %q %v", data, err)
	}
	if _, err := b.Bind(volume, "dir", target); err != nil {
		t.Fatalf("binding anew: %v", err)
	}
	must(t, b.Clean(pod))
	if _, err := os.Stat(filepath.Join(pod, Dir)); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
	if _, err := os.Stat(filepath.Join(volume, "file")); err != nil {
		t.Errorf("the volume's own content was touched: %v", err)
	}
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "x", "B": "y"}
	for expr, want := range map[string]string{"$(A)": "x", "p-$(A)/$(B)": "p-x/y", "$$(A)": "$(A)", "a$b": "a$b", "$(A": "$(A", "$": "$"} {
		if got, err := Expand(expr, env); err != nil || got != want {
			t.Errorf("Expand(%q) = %q, %v; want %q", expr, got, err, want)
		}
	}
	if _, err := Expand("$(NONE)", env); err == nil {
		t.Error("an unknown name must fail")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
