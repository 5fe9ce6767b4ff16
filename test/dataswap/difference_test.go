package dataswap

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference says where two texts with an object each differ; the texts themselves if it is not in the objects.
func difference(want, have string) string {
	a, b := map[string]string{}, map[string]string{}
	for text, into := range map[*string]map[string]string{&want: a, &have: b} {
		before, object, _ := strings.Cut(*text, "{")
		into["before"] = before
		var value any
		if json.Unmarshal([]byte("{"+object), &value) != nil {
			into["text"] = *text
		}
		flatten(into, "", value)
	}
	maps.DeleteFunc(a, func(path, v string) bool {
		same := b[path] == v
		if same {
			delete(b, path)
		}
		return same
	})
	var out strings.Builder
	for _, path := range slices.Sorted(maps.Keys(a)) {
		fmt.Fprintf(&out, "\n  %s: %q, now %q", path, a[path], b[path])
		delete(b, path)
	}
	for _, path := range slices.Sorted(maps.Keys(b)) {
		fmt.Fprintf(&out, "\n  %s: nothing, now %q", path, b[path])
	}
	if out.Len() == 0 {
		return fmt.Sprintf(" the order differs\n  %s\n  %s", want, have)
	}
	return out.String()
}

func flatten(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			flatten(into, path+"."+key, child)
		}
		if len(v) == 0 {
			into[path] = "{}"
		}
	case []any:
		for i, child := range v {
			flatten(into, fmt.Sprintf("%s[%d]", path, i), child)
		}
		if len(v) == 0 {
			into[path] = "[]"
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}
