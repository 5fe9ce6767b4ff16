package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"tiphys.dev/apirules"

	"tiphys.dev/tiphys/pkg/lint"
	"tiphys.dev/tiphys/test/harness"
)

const valid = "../../../staging/src/tiphys.dev/apirules/testdata/valid/*.yaml"

// TestAsTheServer sends valid manifests with one thing changed to the server, as kubectl does, and wants the same of lint.
func TestAsTheServer(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	ctx := context.Background()
	if _, err := c.Client().CoreV1().ServiceAccounts("default").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, client: client, host: c.RESTConfig().Host}
	for _, m := range manifests(t) {
		kind, ok := apirules.Lookup(m.gvk)
		if !ok {
			t.Fatalf("no rules for %v", m.gvk)
		}
		s.compare(kind, "unchanged", m.value)
		for name, value := range changes(m.value) {
			s.compare(kind, name, value)
		}
	}
	t.Logf("%d compared, %d refused for other reasons", s.compared, s.skipped)
	if s.compared < 1000 || s.skipped > s.compared/4 {
		t.Errorf("compared only %d, %d were refused for other reasons", s.compared, s.skipped)
	}
}

// The same for custom resources, by a definition that lint has in its input and the server has stored.
func TestCustomResourcesAsTheServer(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	definition, err := os.ReadFile("testdata/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(definition, &crd.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Dynamic().Resource(definitions).Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, client: client, host: c.RESTConfig().Host, beside: []lint.Source{{Name: "definition", Data: definition}}}
	kind := &apirules.Kind{GroupVersionKind: schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}, Resource: "widgets", Namespaced: true}
	data, err := os.ReadFile("testdata/widget.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var widget map[string]any
	if err := yaml.Unmarshal(data, &widget); err != nil {
		t.Fatal(err)
	}
	served := func(context.Context) (bool, error) {
		_, ok := s.ask(kind, encode(t, widget), "Strict")
		return ok, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, served); err != nil {
		t.Fatalf("the server does not serve the kind: %v", err)
	}
	for name, value := range changes(widget) {
		s.compare(kind, name, value)
	}
	t.Logf("%d compared, %d refused for other reasons", s.compared, s.skipped)
	if s.compared < 40 {
		t.Errorf("compared only %d", s.compared)
	}
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type manifest struct {
	gvk   schema.GroupVersionKind
	value map[string]any
}

func manifests(t *testing.T) []manifest {
	files, err := filepath.Glob(valid)
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	var out []manifest
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range bytes.Split(data, []byte("\n---\n")) {
			var m manifest
			if err := yaml.Unmarshal(doc, &m.value); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			m.gvk = schema.FromAPIVersionAndKind(m.value["apiVersion"].(string), m.value["kind"].(string))
			out = append(out, m)
		}
	}
	return out
}

// wrong are values that are wrong for most fields.
var wrong = []struct {
	what  string
	value any
}{{"number", -1}, {"text", "Odd Value!"}, {"list", []any{}}}

// changes yields the object with one thing changed: each field missing, of another type, with a value that is wrong for most,
// and each object with a field it does not have.
func changes(root map[string]any) func(yield func(string, map[string]any) bool) {
	return func(yield func(string, map[string]any) bool) {
		var walk func(path string, m map[string]any) bool
		walk = func(path string, m map[string]any) bool {
			m["noSuchField"] = "x"
			if ok := yield(path+" with an unknown field", root); !ok {
				return false
			}
			delete(m, "noSuchField")
			for _, key := range slices.Sorted(maps.Keys(m)) {
				if path == "" && (key == "kind" || key == "apiVersion") {
					continue
				}
				v, at := m[key], strings.TrimPrefix(path+"."+key, ".")
				for _, w := range wrong {
					m[key] = w.value
					if !yield(at+" as "+w.what, root) {
						return false
					}
				}
				delete(m, key)
				if !yield(at+" missing", root) {
					return false
				}
				m[key] = v
				inner, _ := v.(map[string]any)
				if list, ok := v.([]any); ok && len(list) > 0 {
					inner, _ = list[0].(map[string]any)
				}
				if inner != nil && !walk(at, inner) {
					return false
				}
			}
			return true
		}
		walk("", root)
	}
}

type server struct {
	t                 *testing.T
	client            *http.Client
	host              string
	compared, skipped int
	// beside is further input of lint.
	beside []lint.Source
}

// said is what one of both says, comparable.
type said struct{ errors, warnings []string }

func (s *server) compare(kind *apirules.Kind, name string, value map[string]any) {
	data := encode(s.t, value)
	report := lint.Check(append([]lint.Source{{Name: "x", Data: data}}, s.beside...), lint.Options{})
	// The first answer stops at unknown fields, the second goes on.
	strict, ok := s.ask(kind, data, "Strict")
	if !ok {
		s.skipped++
		return
	}
	theirs := strict
	if len(strict.errors) > 0 && strings.HasPrefix(strict.errors[0], "unknown field") {
		loose, ok := s.ask(kind, data, "Ignore")
		if !ok {
			s.skipped++
			return
		}
		theirs = said{append(strict.errors, loose.errors...), loose.warnings}
	}
	s.compared++
	var ours said
	for _, f := range report.Findings {
		switch {
		case f.Severity == lint.Warning:
			ours.warnings = append(ours.warnings, f.Message)
		case f.Type != "":
			ours.errors = append(ours.errors, f.Type+" "+f.Field+" "+f.Message)
		default:
			ours.errors = append(ours.errors, f.Message)
		}
	}
	slices.Sort(ours.errors)
	slices.Sort(ours.warnings)
	slices.Sort(theirs.errors)
	slices.Sort(theirs.warnings)
	if !slices.Equal(ours.errors, theirs.errors) || !slices.Equal(ours.warnings, theirs.warnings) {
		s.t.Errorf("%s %s:\nserver %q\n       %q\nlint   %q\n       %q", kind.Kind, name, theirs.errors, theirs.warnings, ours.errors, ours.warnings)
	}
}

func (s *server) ask(kind *apirules.Kind, data []byte, validation string) (said, bool) {
	address := s.host + "/apis/" + kind.Group + "/" + kind.Version
	if kind.Group == "" {
		address = s.host + "/api/" + kind.Version
	}
	if kind.Namespaced {
		address += "/namespaces/" + namespaceIn(data)
	}
	request, err := http.NewRequest(http.MethodPost, address+"/"+kind.Resource+"?dryRun=All&fieldValidation="+validation, bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out said
	for _, h := range response.Header.Values("Warning") {
		text := strings.TrimSuffix(strings.TrimPrefix(h, `299 - "`), `"`)
		out.warnings = append(out.warnings, strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text))
	}
	if response.StatusCode == http.StatusCreated {
		return out, true
	}
	if response.StatusCode == http.StatusNotFound {
		return out, false // not served yet
	}
	var status metav1.Status
	if err := json.Unmarshal(body, &status); err != nil {
		s.t.Fatalf("%s: %s", response.Status, body)
	}
	switch response.StatusCode {
	case http.StatusBadRequest:
		if _, list, ok := strings.Cut(status.Message, "strict decoding error: "); ok {
			out.errors = strings.Split(list, ", ")
			return out, true
		}
		_, text, ok := strings.Cut(status.Message, fmt.Sprintf("cannot be handled as a %s: ", kind.Kind))
		out.errors = []string{text}
		return out, ok
	case http.StatusUnprocessableEntity:
		for _, c := range status.Details.Causes {
			out.errors = append(out.errors, strings.Join([]string{string(c.Type), strings.TrimPrefix(c.Field, "<nil>"), c.Message}, " "))
		}
		return out, true
	}
	return out, false
}

// namespaceIn is where kubectl sends the object, if that can be told.
func namespaceIn(data []byte) string {
	var o metav1.PartialObjectMetadata
	if json.Unmarshal(data, &o) == nil && o.Namespace != "" {
		return url.PathEscape(o.Namespace)
	}
	return metav1.NamespaceDefault
}
