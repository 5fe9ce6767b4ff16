package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mutation is an object with one thing changed.
type mutation struct {
	name string
	data []byte
}

// kept are fields whose change says nothing about the rules of a kind.
func kept(path string) bool {
	// Templates keep the rules of pods, where each field has its turn.
	if _, inTemplate, ok := strings.Cut(path, "emplate.spec."); ok && strings.ContainsAny(inTemplate, ".[") && !strings.HasPrefix(inTemplate, "template") {
		return true
	}
	return path == "kind" || path == "apiVersion" || strings.HasPrefix(path, "metadata.managedFields") || path == "metadata.resourceVersion"
}

// mutations changes each field of an object in every way that fits its type, one at a time.
func mutations(value map[string]any) []mutation {
	m := &mutator{root: value}
	m.walk("", value, nil, nil)
	return m.out
}

type mutator struct {
	root map[string]any
	out  []mutation
}

func (m *mutator) emit(name string) {
	if data, err := json.Marshal(m.root); err == nil {
		m.out = append(m.out, mutation{name, data})
	}
}

func (m *mutator) walk(path string, v any, set func(any), remove func()) {
	if kept(path) {
		return
	}
	try := func(what string, w any) {
		set(w)
		m.emit(path + " " + what)
		set(v)
	}
	if remove != nil {
		remove()
		m.emit(path + " missing")
		set(v)
	}
	switch v := v.(type) {
	case map[string]any:
		if path != "" {
			try("empty", map[string]any{})
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			child := strings.TrimPrefix(path+"."+key, ".")
			m.walk(child, v[key], func(w any) { v[key] = w }, func() { delete(v, key) })
		}
	case []any:
		try("empty", []any{})
		if len(v) > 0 {
			try("doubled", append(slices.Clone(v), v[0]))
			try("empty entry", []any{map[string]any{}})
		}
		for i := range v {
			m.walk(fmt.Sprintf("%s[%d]", path, i), v[i], func(w any) { v[i] = w }, nil)
		}
	case string:
		for _, odd := range strangeStrings {
			try(odd.name, odd.value)
		}
	case float64:
		try("zero", 0)
		try("negative", -1)
		try("large", 1<<31-1)
		try("seventy thousand", 70000)
		try("text", "x")
	case bool:
		try("flipped", !v)
	}
}

var strangeStrings = []struct{ name, value string }{
	{"empty", ""}, {"odd", "Odd Value!"}, {"long", strings.Repeat("a", 300)}, {"path", "../x"}, {"other", "other"},
	{"negative", "-1"}, {"address", "::ffff:1.2.3.4"},
}
