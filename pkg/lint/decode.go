package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"tiphys.dev/apirules"
)

// decode reads a value into an object as the server does: case-sensitive, and telling what it does not know.
func decode(value map[string]any, into apirules.Object) (unknown []error, err error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return kjson.UnmarshalStrict(data, into)
}

// culprit finds the field because of which a value cannot be decoded: the deepest one whose absence changes the error. fail
// gives the error of a value.
func culprit(value map[string]any, fail func() error) string {
	first := fail()
	if first == nil {
		return ""
	}
	// without tells whether a field has to do with the error.
	without := func(remove, restore func()) bool {
		remove()
		defer restore()
		err := fail()
		return err == nil || err.Error() != first.Error()
	}
	path := ""
	var node any = value
	for {
		next, found := any(nil), false
		switch n := node.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(n)) {
				v := n[key]
				if without(func() { delete(n, key) }, func() { n[key] = v }) {
					path, next, found = strings.TrimPrefix(path+"."+key, "."), v, true
					break
				}
			}
		case []any:
			for i, v := range n {
				if without(func() { n[i] = nil }, func() { n[i] = v }) {
					path, next, found = fmt.Sprintf("%s[%d]", path, i), v, true
					break
				}
			}
		}
		if !found {
			return path
		}
		node = next
	}
}
