package apirules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/service"
)

// TestOracle sends mutations of the valid manifests, and the wire fixtures, to upstream's kube-apiserver and wants the
// same causes. It needs APIRULES_ORACLE, the address of a `kubectl proxy` in front of one; APIRULES_ORACLE_KIND picks
// kinds, APIRULES_ORACLE_OUT names a file for all differences.
func TestOracle(t *testing.T) {
	server := os.Getenv("APIRULES_ORACLE")
	if server == "" {
		t.Skip("APIRULES_ORACLE names no upstream API server to compare with")
	}
	o := &oracle{t: t, server: server, out: io.Discard, counts: map[string][3]int{}}
	if name := os.Getenv("APIRULES_ORACLE_OUT"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		o.out = f
	}
	only := os.Getenv("APIRULES_ORACLE_KIND")
	for _, m := range validManifests(t) {
		if only != "" && only != m.kind.gvk.Kind {
			continue
		}
		o.create(m.kind, m.name+" unchanged", m.data)
		var value any
		if err := json.Unmarshal(m.data, &value); err != nil {
			t.Fatal(err)
		}
		for name, data := range mutations(value) {
			o.create(m.kind, m.name+" "+name, data)
		}
		o.updates(m, value)
	}
	for _, k := range kinds {
		if only != "" && only != k.gvk.Kind {
			continue
		}
		group := k.gvk.Group
		if group == "" {
			group = "core"
		}
		data, err := os.ReadFile(filepath.Join(fixtureDir(t), group+"."+k.gvk.Version+"."+k.gvk.Kind+".json"))
		if err != nil {
			continue
		}
		o.create(k, k.gvk.Kind+" fixture", fixtureAsNew(t, data, k.namespaced))
	}
	o.report()
}

// fixtureAsNew drops of a fixture what no client may send.
func fixtureAsNew(t *testing.T, data []byte, namespaced bool) []byte {
	var value map[string]any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	meta := map[string]any{"name": "fixture"}
	if namespaced {
		meta["namespace"] = "default"
	}
	value["metadata"] = meta
	delete(value, "status")
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type oracle struct {
	t      *testing.T
	server string
	out    io.Writer
	counts map[string][3]int // kind: cases, differences of place, of text
}

func (o *oracle) url(k kind, name string) string {
	u := o.server + "/api/v1"
	if k.gvk.Group != "" {
		u = o.server + "/apis/" + k.gvk.Group + "/" + k.gvk.Version
	}
	if k.namespaced {
		u += "/namespaces/default"
	}
	u += "/" + k.resource
	if name != "" {
		u += "/" + name
	}
	return u
}

func (o *oracle) send(method, url string, body []byte) (int, []byte, []string) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, answer, resp.Header.Values("Warning")
}

// create compares what both say of a new object.
func (o *oracle) create(k kind, name string, data []byte) {
	code, answer, warnings := o.send("POST", o.url(k, "")+"?dryRun=All&fieldValidation=Ignore", data)
	theirs, ok := causesOf(code, answer)
	if !ok {
		return // refused for other reasons than by rules
	}
	obj := k.new()
	if err := json.Unmarshal(data, obj); err != nil {
		return
	}
	meta := obj.(metav1.Object)
	if k.namespaced && meta.GetNamespace() == "" {
		meta.SetNamespace("default")
	}
	if meta.GetName() == "" && meta.GetGenerateName() != "" {
		meta.SetName(meta.GetGenerateName() + "abcde")
	}
	complete(k, obj)
	ours := k.validate(obj)
	o.compare(k, "create "+name, theirs, ours)
	if code == http.StatusCreated {
		o.compareWarnings(k, name, warnings, k.warnings(obj))
	}
}

// updates creates the object and compares what both say of changes.
func (o *oracle) updates(m manifest, value any) {
	code, answer, _ := o.send("POST", o.url(m.kind, "")+"?fieldValidation=Ignore", m.data)
	if code != http.StatusCreated {
		fmt.Fprintf(o.out, "%s: cannot create: %d %.300s\n", m.name, code, answer)
		return
	}
	var stored map[string]any
	if err := json.Unmarshal(answer, &stored); err != nil {
		o.t.Fatal(err)
	}
	meta := stored["metadata"].(map[string]any)
	name := meta["name"].(string)
	defer o.send("DELETE", o.url(m.kind, name)+"?gracePeriodSeconds=0", nil)
	delete(meta, "managedFields")
	old := m.kind.new()
	if err := json.Unmarshal(answer, old); err != nil {
		o.t.Fatal(err)
	}
	m.kind.setDefaults(old)
	for what, data := range mutations(any(stored)) {
		if strings.HasPrefix(what, "metadata.") || strings.HasPrefix(what, "status") {
			continue
		}
		code, answer, _ := o.send("PUT", o.url(m.kind, name)+"?dryRun=All&fieldValidation=Ignore", data)
		theirs, ok := causesOf(code, answer)
		if !ok {
			continue
		}
		obj := m.kind.new()
		if err := json.Unmarshal(data, obj); err != nil {
			continue
		}
		m.kind.setDefaults(obj)
		if s, ok := obj.(*corev1.Service); ok {
			service.NormalizeClusterIPs(s, old.(*corev1.Service))
		}
		o.compare(m.kind, "update "+m.name+" "+what, theirs, m.kind.validateUpdate(obj, old))
	}
}

// causesOf reads the causes of a refusal, none of an acceptance.
func causesOf(code int, answer []byte) ([]string, bool) {
	if code == http.StatusCreated || code == http.StatusOK {
		return nil, true
	}
	var status metav1.Status
	if code != http.StatusUnprocessableEntity || json.Unmarshal(answer, &status) != nil || status.Details == nil {
		return nil, false
	}
	var out []string
	for _, c := range status.Details.Causes {
		out = append(out, fmt.Sprintf("%s %s: %s", c.Type, c.Field, c.Message))
	}
	return out, true
}

func (o *oracle) compare(k kind, name string, theirs []string, list field.ErrorList) {
	var ours []string
	for _, e := range list {
		f := e.Field
		if f == "<nil>" {
			f = ""
		}
		ours = append(ours, fmt.Sprintf("%s %s: %s", metav1.CauseType(e.Type), f, e.ErrorBody()))
	}
	theirs, ours = sorted(theirs, cause), sorted(ours, cause)
	n := o.counts[k.gvk.Kind]
	n[0]++
	// What is wrong and where must be the same. Texts are compared too, without the values in them: upstream prints its
	// internal types, whose fields have other names than on the wire.
	what := sorted(theirs, placeOf)
	ourWhat := sorted(ours, placeOf)
	switch {
	case !slices.Equal(what, ourWhat):
		n[1]++
		o.print("", name, theirs, ours)
	case !slices.Equal(sorted(theirs, textOf), sorted(ours, textOf)):
		n[2]++
		o.print("text: ", name, sorted(theirs, textOf), sorted(ours, textOf))
	}
	o.counts[k.gvk.Kind] = n
}

func (o *oracle) print(prefix, name string, theirs, ours []string) {
	fmt.Fprintf(o.out, "%s%s\n", prefix, name)
	for _, c := range theirs {
		if !slices.Contains(ours, c) {
			fmt.Fprintf(o.out, "  theirs %.300s\n", c)
		}
	}
	for _, c := range ours {
		if !slices.Contains(theirs, c) {
			fmt.Fprintf(o.out, "  ours   %.300s\n", c)
		}
	}
}

func sorted(list []string, key func(string) string) []string {
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, key(c))
	}
	sort.Strings(out)
	return slices.Compact(out)
}

func cause(c string) string { return c }

// placeOf is type and field of a cause.
func placeOf(c string) string {
	place, _, _ := strings.Cut(c, ": ")
	return place
}

var shownValue = regexp.MustCompile(`(?s)(Invalid value: |Unsupported value: )[\[{n].*[\]}l]: `)

// textOf is a cause without shown values that are objects, and without what follows the first line.
func textOf(c string) string {
	c = shownValue.ReplaceAllString(c, "${1}V: ")
	first, _, _ := strings.Cut(c, "\n")
	return first
}

func (o *oracle) compareWarnings(k kind, name string, headers, ours []string) {
	var theirs []string
	for _, h := range headers {
		text := strings.TrimSuffix(strings.TrimPrefix(h, `299 - "`), `"`)
		theirs = append(theirs, strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text))
	}
	sort.Strings(theirs)
	ours = slices.Clone(ours)
	sort.Strings(ours)
	if !slices.Equal(theirs, slices.Compact(ours)) {
		fmt.Fprintf(o.out, "text: warnings of %s\n  theirs %q\n  ours   %q\n", name, theirs, ours)
		n := o.counts[k.gvk.Kind]
		n[2]++
		o.counts[k.gvk.Kind] = n
	}
}

func (o *oracle) report() {
	names := make([]string, 0, len(o.counts))
	cases, differences, texts := 0, 0, 0
	for name := range o.counts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		n := o.counts[name]
		cases, differences, texts = cases+n[0], differences+n[1], texts+n[2]
		o.t.Logf("%-36s %5d cases %4d differences %4d of text only", name, n[0], n[1], n[2])
	}
	o.t.Logf("%-36s %5d cases %4d differences %4d of text only", "all", cases, differences, texts)
}

// mutations yields the object with each of its values in turn missing, empty, of the wrong form, too long, negative,
// large, doubled.
func mutations(value any) map[string][]byte {
	out := map[string][]byte{}
	emit := func(name string) {
		data, err := json.Marshal(value)
		if err == nil {
			out[name] = data
		}
	}
	var walk func(path string, v any, set func(any), remove func())
	walk = func(path string, v any, set func(any), remove func()) {
		if path == "kind" || path == "apiVersion" || strings.HasPrefix(path, "metadata.managedFields") {
			return
		}
		try := func(what string, w any) {
			set(w)
			emit(path + " " + what)
			set(v)
		}
		if remove != nil {
			remove()
			emit(path + " missing")
			set(v)
		}
		switch v := v.(type) {
		case map[string]any:
			if path != "" {
				try("empty", map[string]any{})
			}
			keys := make([]string, 0, len(v))
			for key := range v {
				keys = append(keys, key)
			}
			sort.Strings(keys)
			for _, key := range keys {
				child := key
				if path != "" {
					child = path + "." + key
				}
				walk(child, v[key], func(w any) { v[key] = w }, func() { delete(v, key) })
			}
		case []any:
			try("empty", []any{})
			if len(v) > 0 {
				try("doubled", append(slices.Clone(v), v[0]))
				try("null entry", []any{map[string]any{}})
			}
			for i := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), v[i], func(w any) { v[i] = w }, nil)
			}
		case string:
			try("empty", "")
			try("odd", "Odd Value!")
			try("long", strings.Repeat("a", 300))
			try("path", "../x")
			try("other", "other")
			try("negative", "-1")
			try("address", "::ffff:1.2.3.4")
		case float64:
			try("zero", 0)
			try("negative", -1)
			try("large", 1<<31-1)
			try("seventy thousand", 70000)
		case bool:
			try("flipped", !v)
		}
	}
	walk("", value, func(any) {}, nil)
	return out
}
