package oracle

import (
	"maps"
	"slices"
	"strings"
)

// grafts adds to an object, one at a time, each field that the wire fixture of its kind has and the object lacks.
func grafts(value, fixture map[string]any) []mutation {
	m := &mutator{root: value}
	for _, key := range slices.Sorted(maps.Keys(fixture)) {
		if key == "metadata" || key == "status" || key == "kind" || key == "apiVersion" {
			continue
		}
		m.graft(key, value, fixture, key)
	}
	return m.out
}

func (m *mutator) graft(path string, into, from map[string]any, key string) {
	if kept(path) {
		return
	}
	have, ok := into[key]
	if !ok {
		m.add(path, into, key, from[key])
		return
	}
	have, donor := element(have), element(from[key])
	child, ok := have.(map[string]any)
	source, ok2 := donor.(map[string]any)
	if !ok || !ok2 {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(source)) {
		m.graft(path+"."+k, child, source, k)
	}
}

// add sets the whole field, and, where that is an object, each of its fields alone: the fixture sets all members of a union.
func (m *mutator) add(path string, into map[string]any, key string, value any) {
	into[key] = value
	m.emit(path + " grafted")
	if parts, ok := value.(map[string]any); ok && len(parts) > 1 && strings.Count(path, ".") < 6 {
		for _, k := range slices.Sorted(maps.Keys(parts)) {
			into[key] = map[string]any{k: parts[k]}
			m.emit(path + " grafted with " + k)
		}
	}
	delete(into, key)
}

// element is the first entry of a list, or the value itself.
func element(v any) any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return list[0]
	}
	return v
}
