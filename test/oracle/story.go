package oracle

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// story is what one client does, request after request: subresources and whole lives that no mutation of one object shows.
type story struct {
	// name is under which the report counts it.
	name  string
	steps []step
}

// step is one request of a story.
type step struct {
	name, method, path, body string
	// as names the user; contentType and accept are JSON by default.
	as, contentType, accept string
	// quiet only puts things in place.
	quiet bool
	// await repeats a request until both answer with this text, for what servers do a moment later.
	await string
	// door is how the client comes.
	door string
	// compact forgets the past of both stores instead of asking.
	compact bool
	// storeKey reads the form of a key in both stores instead of asking, or, with a value, overwrites it.
	storeKey, storeValue string
	// headers are sent beside the usual ones.
	headers map[string]string
	// protobuf sends the body, which is written as JSON, in that form.
	protobuf bool
	// keep notes parts of the answer for later steps, by name: each server has its own versions and tokens. Later paths and bodies
	// hold the name in double braces.
	keep map[string]string
}

const namespaced = "/api/v1/namespaces/default/"

func get(name, path string) step { return step{name: name, method: http.MethodGet, path: path} }

func post(name, path, body string) step {
	return step{name: name, method: http.MethodPost, path: path, body: body}
}

func put(name, path, body string) step {
	return step{name: name, method: http.MethodPut, path: path, body: body}
}

func merge(name, path, body string) step {
	return step{name: name, method: http.MethodPatch, path: path, body: body, contentType: mergePatch}
}

func strategic(name, path, body string) step {
	return step{name: name, method: http.MethodPatch, path: path, body: body, contentType: strategicPatch}
}

func drop(name, path string) step { return step{name: name, method: http.MethodDelete, path: path} }

func (s step) by(user string) step { s.as = user; return s }

func (s step) silent() step { s.quiet = true; return s }

func (s step) showing(accept string) step { s.accept = accept; return s }

func (s step) keeping(name, path string) step {
	s.keep = maps.Clone(s.keep)
	if s.keep == nil {
		s.keep = map[string]string{}
	}
	s.keep[name] = path
	return s
}

func (s step) with(header, value string) step {
	s.headers = maps.Clone(s.headers)
	if s.headers == nil {
		s.headers = map[string]string{}
	}
	s.headers[header] = value
	return s
}

func (s step) through(door string) step { s.door = door; return s }

func (s step) of(contentType string) step { s.contentType = contentType; return s }

func (s step) inProtobuf() step { s.protobuf = true; return s }

func (s step) until(text string) step { s.await = text; return s }

// notes are the notes of one server.
type notes map[string]string

func (k notes) fill(text string) string {
	for name, value := range k {
		text = strings.ReplaceAll(text, "{{"+name+"}}", value)
	}
	return text
}

// note keeps what the step asks for.
func (k notes) note(s step, a answer) {
	for name, path := range s.keep {
		var v any = a.value
		for _, key := range strings.Split(path, ".") {
			m, _ := v.(map[string]any)
			v = m[key]
		}
		if v != nil {
			k[name] = fmt.Sprint(v)
		}
	}
}

func (s step) request(k notes) (request, error) {
	r := request{method: s.method, path: k.fill(s.path), contentType: s.contentType, accept: s.accept, user: s.as, door: s.door, headers: maps.Clone(s.headers)}
	for name, value := range r.headers {
		r.headers[name] = k.fill(value)
	}
	if s.body != "" {
		r.body = []byte(k.fill(s.body))
	}
	if s.protobuf {
		data, err := toProtobuf(r.body)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.name, err)
		}
		r.body, r.contentType = data, first(s.contentType, protobufType)
	}
	return r, nil
}

// tell runs a story.
func (r *runner) tell(ctx context.Context, s story) error {
	res := &resource{kind: s.name}
	theirs, ours := maps.Clone(r.given), maps.Clone(r.given)
	for _, st := range s.steps {
		a, err := st.request(theirs)
		if err != nil {
			return err
		}
		b, err := st.request(ours)
		if err != nil {
			return err
		}
		switch {
		case r.theirs.locked(st.door):
			// A server that was there before the test keeps its keys to itself.
		case st.storeKey != "" && st.storeValue != "":
			err = r.overwrite(ctx, st.storeKey, st.storeValue)
		case st.storeKey != "":
			err = r.forms(ctx, res, s.name+": "+st.name, st.storeKey)
		case st.compact:
			err = r.compact(ctx)
		case st.await != "":
			if err := r.wait(ctx, st.await, a, b); err != nil {
				return err
			}
		case st.quiet:
			err = r.quietly(ctx, a, b)
		default:
			var x, y answer
			x, y, err = r.ask(ctx, res, s.name+": "+st.name, a, b)
			theirs.note(st, x)
			ours.note(st, y)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	waitStep  = 100 * time.Millisecond
	waitSteps = 200
)

// wait asks until both servers show the text.
func (r *runner) wait(ctx context.Context, text string, theirs, ours request) error {
	for range waitSteps {
		ready := true
		for _, c := range []struct {
			server *server
			request
		}{{r.theirs, theirs}, {r.ours, ours}} {
			a, err := c.server.send(ctx, c.request)
			if err != nil {
				return err
			}
			ready = ready && contains(a.body, text)
		}
		if ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(waitStep):
		}
	}
	// The steps that follow show a difference of the servers; but a text that neither shows is a mistake of the story.
	r.unsettled = append(r.unsettled, fmt.Sprintf("%s %s: %q", theirs.method, theirs.path, text))
	return nil
}

// stories lists all of them.
func stories() []story {
	return []story{
		podSubresources(), podResizes(), podLevelResizes(), evictions(), tokens(), approvals(), finalizations(), collections(), versions(),
		customResources(), rights(),
		watches(), lists(), negotiation(), requests(), discoveries(), dryRuns(), views(),
		conversions(), webhooks(), validatingPolicies(), mutatingPolicies(), quotas(), podSecurity(), nodeRestriction(), impersonation(),
		streams(), aggregation(), past(), entrances(), definitions(), owners(), bulk(), addresses(),
	}
}
