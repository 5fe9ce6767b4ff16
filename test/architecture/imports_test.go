package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tiphys.dev/tiphys/"

// source is a Go package of the tree: its folder, and what its files import, tests apart.
type source struct {
	dir     string
	imports map[string][]string // import path -> files
	docs    []string            // files with a package comment
	files   []string
}

// tree reads every package of the repository, the staging modules and test/upstream included.
func tree(t *testing.T) map[string]*source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*source{}
	fset := token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		s := out[dir]
		if s == nil {
			s = &source{dir: dir, imports: map[string][]string{}}
			out[dir] = s
		}
		s.files = append(s.files, path)
		if f.Doc != nil {
			s.docs = append(s.docs, path)
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports[p] = append(s.imports[p], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d packages found below %s: the rules would check nothing", len(out), root)
	}
	return out
}

// rule forbids packages below some folders to import packages below others.
type rule struct {
	name string
	// in are the folders the rule is about; except are folders below them that are free of it.
	in, except []string
	// forbidden are import paths, or beginnings of them that end in a slash.
	forbidden []string
	// allowed are exceptions to forbidden.
	allowed []string
	reason  string
}

var processes = []string{
	module + "pkg/apiserver", module + "pkg/controllermanager", module + "pkg/scheduler", module + "pkg/kubelet", module + "pkg/proxy", module + "pkg/allinone",
}

var rules = []rule{
	{
		name: "upstream's implementation", in: []string{"cmd", "pkg", "staging", "hack", "build", "test"}, except: []string{"test/upstream"},
		forbidden: []string{"k8s.io/kubernetes", "k8s.io/kubernetes/"},
		reason:    "Tiphys is independent: only test/upstream builds upstream, as oracle and peer",
	},
	{
		name: "apirules is a library", in: []string{"staging/src/tiphys.dev/apirules"},
		forbidden: []string{module, "k8s.io/client-go/", "k8s.io/apiserver/pkg/registry/", "k8s.io/apiserver/pkg/server", "k8s.io/apiserver/pkg/server/", "k8s.io/apiserver/pkg/endpoints/"},
		// A parser that happens to live there; it brings no client.
		allowed: []string{"k8s.io/client-go/util/jsonpath"},
		reason:  "rules about objects must be usable by anybody, without a server or a client",
	},
	{
		name: "the API's shared rooms", in: []string{"pkg/api"},
		forbidden: []string{module + "pkg/", "k8s.io/apiserver/pkg/server", "k8s.io/apiserver/pkg/server/", "k8s.io/apiserver/pkg/registry/"}, allowed: []string{module + "pkg/api/"},
		reason: "pkg/api is below every component",
	},
	{
		name: "the registry", in: []string{"pkg/registry"},
		forbidden: []string{module + "pkg/"},
		allowed: []string{
			module + "pkg/api/", module + "pkg/registry/",
			// What subresources of pods, nodes and accounts need of the server's own rooms.
			module + "pkg/apiserver/kubeletclient", module + "pkg/apiserver/authn/serviceaccount",
			// Goroutines are the business of whoever runs in them.
			module + "pkg/apiserver/stack",
		},
		reason: "the registry knows objects and how they are stored, not the process around it",
	},
	{
		name: "controllers", in: []string{"pkg/controller"},
		forbidden: []string{module + "pkg/"}, allowed: []string{module + "pkg/api/", module + "pkg/controller/", module + "pkg/quota"},
		reason: "a controller talks to the API and to nothing else",
	},
	{
		name: "the scheduler", in: []string{"pkg/scheduler"},
		forbidden: []string{module + "pkg/"}, allowed: []string{module + "pkg/api/", module + "pkg/scheduler/", module + "pkg/componentserver"},
		reason: "the scheduler talks to the API and to nothing else",
	},
	{
		name: "the kubelet", in: []string{"pkg/kubelet"},
		forbidden: []string{module + "pkg/"}, allowed: []string{module + "pkg/api/", module + "pkg/kubelet/", module + "pkg/componentserver", module + "pkg/lifecycle"},
		reason: "were the kubelet to import the registry, every node would carry the API server",
	},
	{
		name: "the proxy", in: []string{"pkg/proxy"},
		forbidden: []string{module + "pkg/"}, allowed: []string{module + "pkg/api/", module + "pkg/proxy/", module + "pkg/componentserver"},
		reason: "the proxy talks to the API and the kernel, and to nothing else",
	},
	{
		name: "processes", in: []string{"pkg", "staging"}, except: []string{"pkg/allinone", "pkg/apiserver", "pkg/controllermanager", "pkg/scheduler", "pkg/kubelet", "pkg/proxy"},
		forbidden: processes,
		reason:    "only cmd, pkg/allinone and the tests put processes together",
	},
}

func TestImports(t *testing.T) {
	all := tree(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			checked := 0
			for dir, s := range all {
				if !below(dir, r.in) || below(dir, r.except) {
					continue
				}
				checked++
				for path, files := range s.imports {
					if matches(path, r.forbidden) && !matches(path, r.allowed) {
						t.Errorf("%s imports %s: %s", files[0], path, r.reason)
					}
				}
			}
			if checked == 0 {
				t.Errorf("no package below %v: the rule checks nothing", r.in)
			}
		})
	}
}

func below(dir string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") })
}

func matches(path string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		return path == strings.TrimSuffix(p, "/") || (strings.HasSuffix(p, "/") && strings.HasPrefix(path, p))
	})
}

// TestKubeletLevels holds the kubelet's rooms to their levels: a room imports only lower ones (docs/architecture.md).
func TestKubeletLevels(t *testing.T) {
	levels := map[string]int{
		"config": 0, "objects": 0,
		"cri": 1, "cgroup": 1, "volume": 1, "device": 1, "image": 1, "dns": 1,
		"observe": 2, "probe": 2, "stats": 2,
		"admit": 3, "plan": 3, "evictplan": 3, "podstatus": 3,
		"podworker": 4, "gc": 4, "eviction": 4,
		"podsource": 5, "report": 5, "server": 5, "meter": 5,
	}
	room := func(path string) (string, bool) {
		rest, ok := strings.CutPrefix(path, "pkg/kubelet/")
		name, _, _ := strings.Cut(rest, "/")
		return name, ok
	}
	for dir, s := range tree(t) {
		from, ok := room(dir)
		if !ok {
			continue
		}
		for path, files := range s.imports {
			to, ok := room(strings.TrimPrefix(path, module))
			if !ok || to == from {
				continue
			}
			a, knownA := levels[from]
			b, knownB := levels[to]
			if knownA && knownB && b > a {
				t.Errorf("%s: room %q (level %d) imports %q (level %d): news goes up by channels that kubelet.go joins", files[0], from, a, to, b)
			}
		}
	}
}

// TestPackageDocs asks each package to say once what it is for.
func TestPackageDocs(t *testing.T) {
	for dir, s := range tree(t) {
		switch n := len(s.docs); {
		case n == 0:
			t.Errorf("%s: no file has a package comment: the next reader must learn in a minute whether this is the place", dir)
		case n > 1:
			t.Errorf("%s: %d files have a package comment (%s): one says it", dir, n, strings.Join(s.docs, ", "))
		}
	}
}

// TestNouns keeps out packages without an owner.
func TestNouns(t *testing.T) {
	bad := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base"}
	for dir := range tree(t) {
		if slices.Contains(bad, filepath.Base(dir)) {
			t.Errorf("%s: name it by the noun it is about; %q has no owner and grows", dir, filepath.Base(dir))
		}
	}
}

// TestNoExit keeps process exits in cmd.
func TestNoExit(t *testing.T) {
	for dir, s := range tree(t) {
		if !below(dir, []string{"pkg", "staging"}) {
			continue
		}
		for _, file := range s.files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"os.Exit(", "klog.Fatal", "log.Fatal"} {
				if strings.Contains(string(text), call) {
					t.Errorf("%s calls %s: a component returns its error, so that it can be embedded and restarted", file, call)
				}
			}
		}
	}
}
