package lint

import (
	"cmp"
	"slices"

	"tiphys.dev/tiphys/pkg/lint/custom"
)

// Options are choices of the user.
type Options struct {
	// UnknownKinds is how bad a kind is that is neither a standard one nor defined in the input. Empty means Error, which a server
	// without the definition would give, too.
	UnknownKinds Severity
}

// Check says what a server would say of the objects in the sources.
func Check(sources []Source, o Options) *Report {
	c := &checker{report: &Report{Findings: []Finding{}, Files: len(sources)}, definitions: custom.New(), unknown: cmp.Or(o.UnknownKinds, Error)}
	var objects []*object
	for _, s := range sources {
		docs, bad := split(s.Data)
		for _, b := range bad {
			c.report.add(Finding{File: s.Name, Line: b.line, Severity: Error, Message: b.message})
		}
		for _, d := range docs {
			objects = append(objects, c.objects(s.Name, d)...)
		}
	}
	c.report.Objects = len(objects)
	// Definitions first: the objects of their kinds may come before them.
	for _, o := range objects {
		if custom.IsDefinition(o.gvk) {
			c.checkDefinition(o)
		}
	}
	for _, o := range objects {
		if !custom.IsDefinition(o.gvk) {
			c.check(o)
		}
	}
	order := map[string]int{}
	for i, s := range sources {
		order[s.Name] = i
	}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(order[a.File]-order[b.File], a.Line-b.Line)
	})
	return c.report
}

// checker is one run of Check.
type checker struct {
	report      *Report
	definitions *custom.Definitions
	unknown     Severity
}

// check says what a server says of one object.
func (c *checker) check(o *object) {
	if v, known := standard(o); known {
		c.tell(o, v)
		return
	}
	if custom.IsRegistration(o.gvk) {
		c.tell(o, fromCustom(c.definitions.CheckRegistration(o.value)))
		return
	}
	if r, known := c.definitions.Check(o.gvk, o.value); known {
		c.tell(o, fromCustom(r))
		return
	}
	f := o.finding(c.unknown, "apiVersion")
	f.Message = noMatch(o.gvk, c.definitions.Served(o.gvk.GroupKind()))
	c.report.add(f)
}

func (c *checker) checkDefinition(o *object) {
	c.tell(o, fromCustom(c.definitions.Add(o.value)))
}
