package oracle

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
)

//go:embed testdata/known.json
var knownFile []byte

// exception explains differences that stay: those whose kind, case and every line match.
type exception struct {
	Kind, Case, Line string
	Reason           string
	kind, name, line *regexp.Regexp
	used             int
}

type known []*exception

func readKnown(data []byte) (known, error) {
	var list known
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("reading the known differences: %w", err)
	}
	for _, e := range list {
		for _, p := range []struct {
			text string
			into **regexp.Regexp
		}{{e.Kind, &e.kind}, {e.Case, &e.name}, {e.Line, &e.line}} {
			re, err := regexp.Compile("^(?:" + first(p.text, ".*") + ")$")
			if err != nil {
				return nil, fmt.Errorf("reading the known differences: %w", err)
			}
			*p.into = re
		}
		if e.Reason == "" {
			return nil, fmt.Errorf("known difference %q of %q has no reason", e.Case, e.Kind)
		}
	}
	return list, nil
}

// reason tells why a difference is accepted; empty if it is not.
func (k known) reason(f finding) string {
	for _, e := range k {
		if e.matches(f) {
			e.used++
			return e.Reason
		}
	}
	return ""
}

func (e *exception) matches(f finding) bool {
	if !e.kind.MatchString(f.kind) || !e.name.MatchString(f.name) {
		return false
	}
	for _, d := range f.differences {
		if d.aspect == aspectText {
			continue
		}
		for _, l := range d.lines {
			if !e.line.MatchString(l) {
				return false
			}
		}
	}
	return true
}
