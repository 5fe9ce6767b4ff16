package oracle

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// runner asks both servers and keeps the score.
type runner struct {
	theirs, ours *server
	score        *score
	dir          string
	// given is what stories know from the start: the address of the webhooks.
	given notes
	// unsettled are the texts that stories waited for in vain.
	unsettled []string
	// numbered gives each request that is compared a number of its own as its audit ID.
	numbered bool
	number   int
	// sample takes one of so many mutations; 0 and 1 take all.
	sample uint32
}

// skips tells whether a case falls out of the sample.
func (r *runner) skips(name string) bool {
	if r.sample < 2 || !strings.Contains(name, ": ") {
		return false
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32()%r.sample != 0
}

// inFlight bounds the requests under way: the machine does other work.
const inFlight = 4

// ask sends one request to each and compares the answers.
func (r *runner) ask(ctx context.Context, res *resource, name string, theirs, ours request) (answer, answer, error) {
	if r.numbered {
		r.number++
		theirs.headers, ours.headers = maps.Clone(theirs.headers), maps.Clone(ours.headers)
		for _, h := range []*map[string]string{&theirs.headers, &ours.headers} {
			if *h == nil {
				*h = map[string]string{}
			}
			(*h)["Audit-ID"] = auditID(r.number)
		}
	}
	var a, b answer
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { a, err = r.theirs.send(ctx, theirs); return err })
	g.Go(func() (err error) { b, err = r.ours.send(ctx, ours); return err })
	if err := g.Wait(); err != nil {
		return a, b, err
	}
	r.score.add(res.title(), name, compare(a, b))
	return a, b, nil
}

// both sends the same request to both.
func (r *runner) both(ctx context.Context, res *resource, name string, req request) (answer, answer, error) {
	return r.ask(ctx, res, name, req, req)
}

// quietly sends a request to each and compares nothing: it only puts things in place.
func (r *runner) quietly(ctx context.Context, theirs, ours request) error {
	if _, err := r.theirs.send(ctx, theirs); err != nil {
		return err
	}
	_, err := r.ours.send(ctx, ours)
	return err
}

// put sends the same request to both and compares nothing.
func (r *runner) put(ctx context.Context, req request) error { return r.quietly(ctx, req, req) }

// pair is one case for both servers.
type pair struct {
	name         string
	theirs, ours request
}

// all sends many independent cases, a few at a time.
func (r *runner) all(ctx context.Context, res *resource, cases []pair) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight / 2)
	for _, c := range cases {
		if r.skips(c.name) {
			continue
		}
		g.Go(func() error {
			_, _, err := r.ask(ctx, res, c.name, c.theirs, c.ours)
			return err
		})
	}
	return g.Wait()
}

// score counts cases and differences by kind.
type score struct {
	mu    sync.Mutex
	known known
	kinds map[string]*tally
	found []finding
}

type tally struct {
	cases, differing, explained int
	by                          map[string]int
}

// finding is a case with its differences.
type finding struct {
	kind, name, explained string
	differences           []difference
}

func (s *score) add(kind, name string, list []difference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.kinds[kind]
	if t == nil {
		t = &tally{by: map[string]int{}}
		s.kinds[kind] = t
	}
	t.cases++
	if len(list) == 0 {
		return
	}
	f := finding{kind: kind, name: name, differences: list}
	f.explained = s.known.reason(f)
	s.found = append(s.found, f)
	for _, d := range list {
		t.by[d.aspect]++
	}
	switch {
	case !f.counts():
	case f.explained != "":
		t.explained++
	default:
		t.differing++
	}
}

// counts tells whether programs notice the difference: texts are for people, and vary with the decoder.
func (f finding) counts() bool {
	for _, d := range f.differences {
		if d.aspect != aspectText {
			return true
		}
	}
	return false
}

// shownLines bounds what is printed of one difference.
const shownLines = 10

// signature is what differs, without the case.
func (f finding) signature() string {
	var lines []string
	for _, d := range f.differences {
		lines = append(lines, "  "+d.aspect)
		for i, l := range d.lines {
			if i == shownLines {
				lines = append(lines, fmt.Sprintf("    and %d more", len(d.lines)-i))
				break
			}
			lines = append(lines, "    "+strings.ReplaceAll(l, "\n", "\\n"))
		}
	}
	return strings.Join(lines, "\n")
}
