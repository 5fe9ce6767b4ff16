package oracle

import (
	"context"
	"net/http"
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
	// await repeats a GET until both answer 200 with this text, for what servers do a moment later.
	await string
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

func (s step) request() request {
	r := request{method: s.method, path: s.path, contentType: s.contentType, accept: s.accept, user: s.as}
	if s.body != "" {
		r.body = []byte(s.body)
	}
	return r
}

// tell runs a story.
func (r *runner) tell(ctx context.Context, s story) error {
	res := &resource{kind: s.name}
	for _, st := range s.steps {
		var err error
		switch {
		case st.await != "":
			err = r.wait(ctx, st)
		case st.quiet:
			err = r.quietly(ctx, st.request())
		default:
			_, _, err = r.both(ctx, res, s.name+": "+st.name, st.request())
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
func (r *runner) wait(ctx context.Context, s step) error {
	for range waitSteps {
		ready := true
		for _, server := range []*server{r.theirs, r.ours} {
			a, err := server.send(ctx, s.request())
			if err != nil {
				return err
			}
			ready = ready && a.code == http.StatusOK && contains(a.body, s.await)
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
	return nil // the steps that follow show the difference
}

// stories lists all of them.
func stories() []story {
	return []story{
		podSubresources(), podResizes(), podLevelResizes(), evictions(), tokens(), approvals(), finalizations(), collections(), versions(),
		customResources(), rights(),
	}
}
