package lint

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what is found as what is expected")

// Each file of testdata/cases has beside it what is found in it.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Ext(file) == ".txt" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			sources, err := Read([]string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			sources[0].Name = filepath.Base(file)
			var got bytes.Buffer
			if err := Check(sources, Options{}).WriteText(&got); err != nil {
				t.Fatal(err)
			}
			golden := file + ".txt"
			if *rewrite {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

// What is valid for a server is valid here.
func TestValidManifests(t *testing.T) {
	sources, err := Read([]string{"../../staging/src/tiphys.dev/apirules/testdata/valid", "../../test/oracle/testdata/manifests"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report := Check(sources, Options{})
	if report.Objects < 50 {
		t.Errorf("only %d objects", report.Objects)
	}
	for _, f := range report.Findings {
		if f.Severity == Error {
			t.Errorf("%+v", f)
		}
	}
}

func TestUnknownKindsMayBeWarnings(t *testing.T) {
	source := Source{Name: "x", Data: []byte("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n")}
	if r := Check([]Source{source}, Options{}); r.Errors != 1 || r.Warnings != 0 {
		t.Errorf("by default: %+v", r)
	}
	if r := Check([]Source{source}, Options{UnknownKinds: Warning}); r.Errors != 0 || r.Warnings != 1 {
		t.Errorf("as warnings: %+v", r)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "sub/b.yml", "sub/deep/c.json", "README.md"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := Read([]string{dir, filepath.Join(dir, "README.md"), Stdin}, strings.NewReader("in"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range sources {
		names = append(names, strings.TrimPrefix(s.Name, dir+"/"))
	}
	if got, want := strings.Join(names, " "), "a.yaml sub/b.yml sub/deep/c.json README.md stdin"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	for _, bad := range []string{filepath.Join(dir, "none"), t.TempDir()} {
		if _, err := Read([]string{bad}, nil); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// FuzzCheck reads anything.
func FuzzCheck(f *testing.F) {
	sources, err := Read([]string{"testdata/cases"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range sources {
		f.Add(s.Data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { Check([]Source{{"x", data}}, Options{}) })
}

func BenchmarkCheck(b *testing.B) {
	sources, err := Read([]string{"testdata/cases/deployment.yaml"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Check(sources, Options{})
	}
}
