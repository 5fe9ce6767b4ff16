package lint

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// object is one object of the input and where it is.
type object struct {
	file string
	// line is that of its first field; first is added to the lines of root.
	line, first int
	root        *yaml.Node
	gvk         schema.GroupVersionKind
	value       map[string]any
}

// objects takes the lists of a document apart. What is no object at all is reported.
func (c *checker) objects(file string, d document) []*object {
	line := 1
	if d.root != nil {
		line = d.root.Line
	}
	return c.unpack(&object{file: file, line: d.first + line - 1, first: d.first, root: d.root}, d.value)
}

func (c *checker) unpack(o *object, value any) []*object {
	m, ok := value.(map[string]any)
	if !ok {
		c.report.add(Finding{File: o.file, Line: o.line, Severity: Error, Message: fmt.Sprintf("a manifest is an object, not %s", describe(value))})
		return nil
	}
	o.value = m
	version, _ := m["apiVersion"].(string)
	kind, _ := m["kind"].(string)
	gv, err := schema.ParseGroupVersion(version)
	switch {
	case kind == "":
		c.refuse(o, "kind", "Object 'Kind' is missing")
	case version == "":
		c.refuse(o, "apiVersion", "Object 'apiVersion' is missing")
	case err != nil:
		c.refuse(o, "apiVersion", err.Error())
	default:
		o.gvk = gv.WithKind(kind)
		items, isList := m["items"].([]any)
		if !isList || !strings.HasSuffix(kind, "List") {
			return []*object{o}
		}
		return c.unpackItems(o, items)
	}
	return nil
}

// unpackItems reads the items of a list of any kind, which take the kind from the list if they have none, as in an answer of
// the API.
func (c *checker) unpackItems(o *object, items []any) []*object {
	var out []*object
	var list *yaml.Node
	if o.root != nil {
		for _, e := range entries(o.root) {
			if e.key.Value == "items" {
				list = resolve(e.value)
			}
		}
	}
	for i, item := range items {
		child := &object{file: o.file, line: o.line, first: o.first}
		if list != nil && i < len(list.Content) {
			child.root = resolve(list.Content[i])
			child.line = o.first + list.Content[i].Line - 1
		}
		if m, ok := item.(map[string]any); ok && o.gvk.Kind != "List" {
			setDefault(m, "apiVersion", o.value["apiVersion"])
			setDefault(m, "kind", strings.TrimSuffix(o.gvk.Kind, "List"))
		}
		out = append(out, c.unpack(child, item)...)
	}
	return out
}

func setDefault(m map[string]any, key string, value any) {
	if _, has := m[key]; !has {
		m[key] = value
	}
}

func (c *checker) refuse(o *object, field, message string) {
	f := o.finding(Error, field)
	f.Message = message
	c.report.add(f)
}

// finding begins one about a field of the object.
func (o *object) finding(s Severity, field string) Finding {
	meta, _ := o.value["metadata"].(map[string]any)
	text := func(m map[string]any, key string) string { v, _ := m[key].(string); return v }
	name := text(meta, "name")
	if base := text(meta, "generateName"); name == "" && base != "" {
		name = base + "*"
	}
	return Finding{
		File: o.file, Line: o.lineOf(field), Severity: s, Field: field,
		APIVersion: text(o.value, "apiVersion"), Kind: text(o.value, "kind"), Namespace: text(meta, "namespace"), Name: name,
	}
}

// lineOf is the line of a field in the file.
func (o *object) lineOf(field string) int {
	if o.root == nil {
		return o.line
	}
	_, line := place(o.root, o.line-o.first+1, inVersions(field))
	return o.first + line - 1
}

// lineOfValue is the line of a field, or of the entry in it that has the value which a message shows: labels are judged as a
// whole.
func (o *object) lineOfValue(field, message string) int {
	shown, rest, found := cutQuoted(message)
	if o.root == nil || !found || rest == "" {
		return o.lineOf(field)
	}
	n, line := place(o.root, o.line-o.first+1, inVersions(field))
	if n != nil && n.Kind == yaml.MappingNode {
		for _, e := range entries(n) {
			if v := resolve(e.value); e.key.Value == shown || v.Kind == yaml.ScalarNode && v.Value == shown {
				line = e.key.Line
				break
			}
		}
	}
	return o.first + line - 1
}

// cutQuoted takes the value out of a message such as `Invalid value: "x": must be y`.
func cutQuoted(message string) (value, rest string, found bool) {
	_, text, found := strings.Cut(message, "alid value: ")
	if !found {
		return "", "", false
	}
	q, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", false
	}
	value, err = strconv.Unquote(q)
	return value, text[len(q):], err == nil
}

// inVersions puts a schema back where it was written: the server moves one that all versions have in common.
func inVersions(field string) string {
	if rest, moved := strings.CutPrefix(field, "spec.validation."); moved {
		return "spec.versions[0].schema." + rest
	}
	return field
}

func describe(value any) string {
	switch value.(type) {
	case []any:
		return "a list"
	case string:
		return "a text"
	default:
		return "a single value"
	}
}
