package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"sigs.k8s.io/yaml"
)

// resource is a row of discovery.
type resource struct {
	group, version, name, kind string
	namespaced                 bool
	verbs                      []string
	subresources               map[string]bool
}

// path is the URL of an object, or of the collection when the name is empty.
func (r *resource) path(name string) string {
	p := "/apis/" + r.group + "/" + r.version
	if r.group == "" {
		p = "/api/" + r.version
	}
	if r.namespaced {
		p += "/namespaces/default"
	}
	p += "/" + r.name
	if name != "" {
		p += "/" + name
	}
	return p
}

// title is the name under which the report counts the resource.
func (r *resource) title() string {
	if r.group == "" {
		return r.kind
	}
	return r.kind + "." + r.version + "." + r.group
}

// specimen is an object to start from.
type specimen struct {
	*resource
	name  string
	value map[string]any
}

// manifests reads the objects that are valid as they are.
func manifests(resources []*resource) ([]specimen, error) {
	_, here, _, _ := runtime.Caller(0)
	var out []specimen
	for _, pattern := range []string{"../../staging/src/tiphys.dev/apirules/testdata/valid/*.yaml", "testdata/manifests/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(here), pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			list, err := read(file, resources)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

func read(file string, resources []*resource) ([]specimen, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []specimen
	for _, doc := range bytes.Split(data, []byte("\n---\n")) {
		var value map[string]any
		if err := yaml.Unmarshal(doc, &value); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		r := find(resources, value)
		if r == nil {
			return nil, fmt.Errorf("%s: %v %v is not served", file, value["apiVersion"], value["kind"])
		}
		meta, _ := value["metadata"].(map[string]any)
		name, _ := meta["name"].(string)
		out = append(out, specimen{r, name, value})
	}
	return out, nil
}

func find(resources []*resource, value map[string]any) *resource {
	for _, r := range resources {
		version := r.version
		if r.group != "" {
			version = r.group + "/" + r.version
		}
		if value["apiVersion"] == version && value["kind"] == r.kind {
			return r
		}
	}
	return nil
}

// fixture reads the wire fixture of a kind, which has a value in every field.
func fixture(dir string, r *resource) (map[string]any, bool) {
	group := first(r.group, "core")
	data, err := os.ReadFile(filepath.Join(dir, group+"."+r.version+"."+r.kind+".json"))
	if err != nil {
		return nil, false
	}
	var value map[string]any
	if json.Unmarshal(data, &value) != nil {
		return nil, false
	}
	return value, true
}

// fixtureDir is where k8s.io/api has its wire fixtures.
func fixtureDir() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		return "", fmt.Errorf("asking where k8s.io/api is: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD"), nil
}

func clone(value map[string]any) map[string]any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	return data
}
