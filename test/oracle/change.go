package oracle

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	jsonPatch      = "application/json-patch+json"
	applyPatch     = "application/apply-patch+yaml"
)

func escape(s string) string { return url.QueryEscape(s) }

// status writes the status of the wire fixture, mutations of it, and mutations of the main part through the subresource.
func (r *runner) status(ctx context.Context, s specimen) error {
	if !s.subresources["status"] {
		return nil
	}
	f, ok := fixture(r.dir, s.resource)
	if !ok {
		return nil
	}
	a, b, err := r.stored(ctx, s)
	if err != nil {
		return err
	}
	a["status"], b["status"] = f["status"], f["status"]
	theirs, ours := byName(r.changes(s.resource, a)), byName(r.changes(s.resource, b))
	path := s.path(s.name) + "/status"
	var cases, stores []pair
	for name, data := range theirs {
		if ours[name] != nil && !strings.HasPrefix(name, "spec") {
			cases = append(cases, pair{"status " + s.name + ": " + name,
				request{method: http.MethodPut, path: path + "?" + dryRun, body: data}, request{method: http.MethodPut, path: path + "?" + dryRun, body: ours[name]}})
		}
	}
	// Parts of the status alone: the fixture's whole is seldom valid.
	if whole, ok := f["status"].(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(whole)) {
			body := encode(map[string]any{"status": map[string]any{key: whole[key]}})
			req := request{method: http.MethodPatch, path: path + "?" + dryRun, contentType: mergePatch, body: body}
			cases = append(cases, pair{"status " + s.name + ": only " + key, req, req})
			req.path = path
			stores = append(stores, pair{"status stored " + s.name + ": only " + key, req, req})
		}
	}
	if err := r.all(ctx, s.resource, cases); err != nil {
		return err
	}
	// These change what is stored, so one after another, when the others have been answered.
	for _, c := range stores {
		if _, _, err := r.ask(ctx, s.resource, c.name, c.theirs, c.ours); err != nil {
			return err
		}
	}
	return nil
}

// patch changes the object with patches of each kind.
func (r *runner) patch(ctx context.Context, s specimen) error {
	for _, c := range []struct{ name, contentType, body string }{
		{"merge", mergePatch, `{"metadata":{"labels":{"oracle":"merged"},"annotations":{"a/b":"c"}}}`},
		{"merge null", mergePatch, `{"metadata":{"annotations":null},"spec":null}`},
		{"merge status", mergePatch, `{"status":{"phase":"Odd","replicas":7,"conditions":[{"type":"A","status":"True"}]}}`},
		{"merge generation", mergePatch, `{"metadata":{"generation":77,"selfLink":"x","deletionGracePeriodSeconds":3}}`},
		{"merge name", mergePatch, `{"metadata":{"name":"other"}}`},
		{"merge uid", mergePatch, `{"metadata":{"uid":"other"}}`},
		{"merge creation", mergePatch, `{"metadata":{"creationTimestamp":"2001-01-01T00:00:00Z"}}`},
		{"merge deletion", mergePatch, `{"metadata":{"deletionTimestamp":"2001-01-01T00:00:00Z"}}`},
		{"merge owner", mergePatch, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a","uid":"b"}]}}`},
		{"merge bad owner", mergePatch, `{"metadata":{"ownerReferences":[{"kind":"Pod","name":"a"}]}}`},
		{"merge unknown", mergePatch, `{"nothing":"known","spec":{"nor":"this"}}`},
		{"merge broken", mergePatch, `{"metadata":`},
		{"strategic", strategicPatch, `{"metadata":{"labels":{"oracle":null,"strategic":"yes"},"finalizers":["example.com/hold"]}}`},
		{"strategic delete", strategicPatch, `{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.com/hold"]}}`},
		{"json", jsonPatch, `[{"op":"add","path":"/metadata/labels/json","value":"yes"}]`},
		{"json test", jsonPatch, `[{"op":"test","path":"/metadata/name","value":"never"}]`},
		{"json broken", jsonPatch, `[{"op":"remove","path":"/metadata/nothing/here"}]`},
		{"unknown type", "application/x-patch", `{}`},
	} {
		_, _, err := r.both(ctx, s.resource, "patch "+s.name+": "+c.name,
			request{method: http.MethodPatch, path: s.path(s.name), contentType: c.contentType, body: []byte(c.body)})
		if err != nil {
			return err
		}
	}
	return nil
}

// scale reads and writes the scale subresource.
func (r *runner) scale(ctx context.Context, s specimen) error {
	if !s.subresources["scale"] {
		return nil
	}
	path := s.path(s.name) + "/scale"
	for _, c := range []struct {
		name string
		req  request
	}{
		{"get", request{method: http.MethodGet, path: path}},
		{"get table", request{method: http.MethodGet, path: path, accept: table}},
		{"patch", request{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"spec":{"replicas":4}}`)}},
		{"negative", request{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"spec":{"replicas":-4}}`)}},
		{"apply", request{method: http.MethodPatch, path: path + "?fieldManager=scaler&force=true", contentType: applyPatch,
			body: []byte(`{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"` + s.name + `"},"spec":{"replicas":5}}`)}},
		{"put", request{method: http.MethodPut, path: path,
			body: []byte(`{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"` + s.name + `","namespace":"default"},"spec":{"replicas":3}}`)}},
		{"after", request{method: http.MethodGet, path: s.path(s.name)}},
	} {
		if _, _, err := r.both(ctx, s.resource, "scale "+s.name+": "+c.name, c.req); err != nil {
			return err
		}
	}
	return nil
}

// apply is server-side apply by two managers that disagree.
func (r *runner) apply(ctx context.Context, s specimen) error {
	other := clone(s.value)
	m := other["metadata"].(map[string]any)
	m["labels"] = map[string]any{"oracle": "applied"}
	third := map[string]any{"apiVersion": s.value["apiVersion"], "kind": s.value["kind"],
		"metadata": map[string]any{"name": s.name, "labels": map[string]any{"oracle": "disputed"}}}
	path := s.path(s.name)
	for _, c := range []struct {
		name, path string
		value      map[string]any
	}{
		{"no manager", path, other},
		{"one", path + "?fieldManager=one", other},
		{"one, forced", path + "?fieldManager=one&force=true", other},
		{"two disputes", path + "?fieldManager=two", third},
		{"two wins", path + "?fieldManager=two&force=true", third},
		{"two gives up", path + "?fieldManager=two", map[string]any{"apiVersion": s.value["apiVersion"], "kind": s.value["kind"], "metadata": map[string]any{"name": s.name}}},
		{"status", path + "/status?fieldManager=three&force=true", third},
		{"new", s.path("new-"+s.name) + "?fieldManager=one&" + dryRun, renamed(other, "new-"+s.name)},
		{"other kind", path + "?fieldManager=one", map[string]any{"apiVersion": "v1", "kind": "Odd", "metadata": map[string]any{"name": s.name}}},
	} {
		_, _, err := r.both(ctx, s.resource, "apply "+s.name+": "+c.name,
			request{method: http.MethodPatch, path: c.path, contentType: applyPatch, body: encode(c.value)})
		if err != nil {
			return err
		}
	}
	return nil
}

func renamed(value map[string]any, name string) map[string]any {
	out := clone(value)
	out["metadata"].(map[string]any)["name"] = name
	return out
}

// end deletes the object: tried, refused, held by a finalizer, and at last done.
func (r *runner) end(ctx context.Context, s specimen) error {
	path := s.path(s.name)
	hold := []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`)
	for _, c := range []struct {
		name string
		req  request
	}{
		{"tried", request{method: http.MethodDelete, path: path + "?" + dryRun}},
		{"of another", request{method: http.MethodDelete, path: path, body: []byte(`{"preconditions":{"uid":"other"}}`)}},
		{"of another version", request{method: http.MethodDelete, path: path, body: []byte(`{"preconditions":{"resourceVersion":"1"}}`)}},
		{"bad policy", request{method: http.MethodDelete, path: path + "?propagationPolicy=Odd"}},
		{"hold", request{method: http.MethodPatch, path: path, contentType: mergePatch, body: hold}},
		{"foreground", request{method: http.MethodDelete, path: path, body: []byte(`{"propagationPolicy":"Foreground"}`)}},
		{"held", request{method: http.MethodGet, path: path}},
		{"held table", request{method: http.MethodGet, path: path, accept: table}},
		{"changed while held", request{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"metadata":{"labels":{"late":"yes"},"finalizers":["example.com/hold","example.com/more"]}}`)}},
		{"again", request{method: http.MethodDelete, path: path}},
		{"let go", request{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"metadata":{"finalizers":null}}`)}},
		{"gone", request{method: http.MethodGet, path: path}},
		{"missing", request{method: http.MethodDelete, path: path}},
	} {
		if _, _, err := r.both(ctx, s.resource, "delete "+s.name+": "+c.name, c.req); err != nil {
			return err
		}
	}
	if err := r.remove(ctx, s); err != nil {
		return err
	}
	// And as users do it.
	if err := r.put(ctx, request{method: http.MethodPost, path: s.path(""), body: encode(s.value)}); err != nil {
		return err
	}
	if _, _, err := r.both(ctx, s.resource, "delete "+s.name, request{method: http.MethodDelete, path: path}); err != nil {
		return err
	}
	return r.remove(ctx, s)
}

// remove makes sure that there is no such object.
func (r *runner) remove(ctx context.Context, s specimen) error {
	if s.name == "" {
		return nil
	}
	path := s.path(s.name)
	for _, req := range []request{
		{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"metadata":{"finalizers":null}}`)},
		{method: http.MethodDelete, path: path + "?gracePeriodSeconds=0&propagationPolicy=Background"},
		{method: http.MethodPatch, path: path, contentType: mergePatch, body: []byte(`{"metadata":{"finalizers":null}}`)},
	} {
		if err := r.put(ctx, req); err != nil {
			return err
		}
	}
	if s.kind == "Namespace" {
		return r.put(ctx, request{method: http.MethodPut, path: path + "/finalize",
			body: encode(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.name}})})
	}
	return nil
}
