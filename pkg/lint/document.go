package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
	kyaml "sigs.k8s.io/yaml"
)

// document is one YAML document or JSON value of a file.
type document struct {
	// first is the line of the file that is the document's first.
	first int
	// value is what it says, as the server reads it; root says where. A nil root means that places are not known.
	value any
	root  *yaml.Node
}

// broken is text that is no YAML or JSON.
type broken struct {
	line    int
	message string
}

// split takes a file apart. What cannot be read does not keep the documents after it from being read.
func split(data []byte) (docs []document, bad []broken) {
	if startsJSON(data) {
		return splitJSON(data)
	}
	first, at := 1, 0
	flush := func(text []byte) {
		if doc, problem := parse(text, first); problem != nil {
			bad = append(bad, *problem)
		} else if doc.value != nil {
			docs = append(docs, doc)
		}
	}
	line, start := 1, 0
	for at < len(data) {
		end := bytes.IndexByte(data[at:], '\n') + 1
		if end == 0 {
			end = len(data) - at
		}
		if separates(data[at : at+end]) {
			flush(data[start:at])
			start, first = at+end, line+1
		}
		at, line = at+end, line+1
	}
	flush(data[start:])
	return docs, bad
}

// separates tells whether a line begins a new document.
func separates(line []byte) bool {
	rest, found := bytes.CutPrefix(line, []byte("---"))
	rest = bytes.TrimSpace(rest)
	return found && (len(rest) == 0 || rest[0] == '#')
}

func startsJSON(data []byte) bool {
	text := bytes.TrimSpace(data)
	return len(text) > 0 && text[0] == '{'
}

func parse(text []byte, first int) (document, *broken) {
	d := document{first: first}
	data, err := kyaml.YAMLToJSON(text)
	if err != nil {
		return d, &broken{first + lineIn(err) - 1, "error converting YAML to JSON: " + err.Error()}
	}
	if err := decodeValue(data, &d.value); err != nil {
		return d, &broken{first, err.Error()}
	}
	d.root = tree(text)
	return d, nil
}

// splitJSON reads values written one after the other.
func splitJSON(data []byte) (docs []document, bad []broken) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		skipped := decoder.InputOffset()
		for int(skipped) < len(data) && bytes.IndexByte([]byte(" \t\r\n"), data[skipped]) >= 0 {
			skipped++
		}
		first := 1 + bytes.Count(data[:skipped], []byte("\n"))
		var raw json.RawMessage
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return docs, bad
		case err != nil:
			offset := decoder.InputOffset()
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				offset = syntax.Offset
			}
			line := 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
			return docs, append(bad, broken{line, "error parsing JSON: " + err.Error()})
		}
		d := document{first: first, root: tree(raw)}
		if err := decodeValue(raw, &d.value); err != nil {
			bad = append(bad, broken{first, err.Error()})
			continue
		}
		docs = append(docs, d)
	}
}

// decodeValue keeps whole numbers whole.
func decodeValue(data []byte, into *any) error {
	return kjson.UnmarshalCaseSensitivePreserveInts(data, into)
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// lineIn is the line that an error of the YAML library names, or the first.
func lineIn(err error) int {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return 1
}
