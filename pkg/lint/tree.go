package lint

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree reads where things are; JSON is YAML, too.
func tree(text []byte) *yaml.Node {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil || len(n.Content) == 0 {
		return nil
	}
	return n.Content[0]
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// entry is a field of a mapping.
type entry struct{ key, value *yaml.Node }

// entries lists the fields of a mapping, those that it merges from others (<<) last.
func entries(n *yaml.Node) []entry {
	var out, merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag != "!!merge" {
			out = append(out, entry{key, value})
			continue
		}
		switch from := resolve(value); from.Kind {
		case yaml.MappingNode:
			merged = append(merged, entries(from)...)
		case yaml.SequenceNode:
			for _, item := range from.Content {
				if m := resolve(item); m.Kind == yaml.MappingNode {
					merged = append(merged, entries(m)...)
				}
			}
		}
	}
	return append(out, merged...)
}

// place finds the line of a field by its path as the API writes it: spec.containers[0].name, metadata.labels[a.b/c]. A field
// that is not there has the line of the deepest part of the path that is. at is the line of n itself.
// The node is that of the field, nil if it is not there.
func place(n *yaml.Node, at int, path string) (*yaml.Node, int) {
	n = resolve(n)
	if n == nil || path == "" {
		return n, at
	}
	switch n.Kind {
	case yaml.MappingNode:
		var found *entry
		rest := ""
		for _, e := range entries(n) {
			// Keys may have dots in them: the longest that fits is meant.
			if r, ok := after(path, e.key.Value); ok && (found == nil || len(r) < len(rest)) {
				found, rest = &e, r
			}
		}
		if found != nil {
			return place(found.value, found.key.Line, rest)
		}
	case yaml.SequenceNode:
		end := strings.IndexByte(path, ']')
		if path[0] != '[' || end < 0 {
			return nil, at
		}
		if i, err := strconv.Atoi(path[1:end]); err == nil && i >= 0 && i < len(n.Content) {
			return place(n.Content[i], n.Content[i].Line, strings.TrimPrefix(path[end+1:], "."))
		}
	}
	return nil, at
}

// after takes a key off the beginning of a path.
func after(path, key string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return strings.TrimPrefix(rest, "."), true
	}
	rest, ok = strings.CutPrefix(path, key)
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return "", false
	}
	return strings.TrimPrefix(rest, "."), true
}

// duplicate is a field that is given twice.
type duplicate struct {
	line int
	path string
}

// duplicates finds the fields that a mapping has more than once: the last one counts, and a server with strict decoding
// refuses them.
func duplicates(n *yaml.Node, path string) []duplicate {
	n = resolve(n)
	if n == nil {
		return nil
	}
	var out []duplicate
	switch n.Kind {
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			child := strings.TrimPrefix(path+"."+key.Value, ".")
			if seen[key.Value] {
				out = append(out, duplicate{key.Line, child})
			}
			seen[key.Value] = true
			out = append(out, duplicates(n.Content[i+1], child)...)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out = append(out, duplicates(item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return out
}
