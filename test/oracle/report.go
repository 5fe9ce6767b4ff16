package oracle

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
)

// total adds the kinds up.
func (s *score) total() tally {
	sum := tally{by: map[string]int{}}
	for _, t := range s.kinds {
		sum.cases += t.cases
		sum.differing += t.differing
		sum.explained += t.explained
		for a, n := range t.by {
			sum.by[a] += n
		}
	}
	return sum
}

// writeTable prints the counts by kind as Markdown.
func (s *score) writeTable(w io.Writer) {
	fmt.Fprintf(w, "| kind | cases | differing | explained | %s |\n|---|%s\n", strings.Join(aspects, " | "), strings.Repeat("---|", 3+len(aspects)))
	row := func(name string, t tally) {
		fmt.Fprintf(w, "| %s | %d | %d | %d |", name, t.cases, t.differing, t.explained)
		for _, a := range aspects {
			fmt.Fprintf(w, " %d |", t.by[a])
		}
		fmt.Fprintln(w)
	}
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		row(kind, *s.kinds[kind])
	}
	row("**all**", s.total())
}

// writeFindings prints every difference, equal ones together, the most frequent first.
func (s *score) writeFindings(w io.Writer) {
	type group struct {
		signature, explained string
		cases                []string
	}
	groups := map[string]*group{}
	for _, f := range s.found {
		key := f.signature()
		if groups[key] == nil {
			groups[key] = &group{signature: key, explained: f.explained}
		}
		groups[key].cases = append(groups[key].cases, f.kind+": "+f.name)
	}
	list := slices.Collect(maps.Values(groups))
	sort.Slice(list, func(i, j int) bool {
		if len(list[i].cases) != len(list[j].cases) {
			return len(list[i].cases) > len(list[j].cases)
		}
		return list[i].signature < list[j].signature
	})
	for _, g := range list {
		fmt.Fprintf(w, "%d cases", len(g.cases))
		if g.explained != "" {
			fmt.Fprintf(w, " (known: %s)", g.explained)
		}
		slices.Sort(g.cases)
		for _, c := range g.cases[:min(3, len(g.cases))] {
			fmt.Fprintf(w, "\n  %s", c)
		}
		fmt.Fprintf(w, "\n%s\n\n", g.signature)
	}
}
