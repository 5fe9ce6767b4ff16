package oracle

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

const (
	strict = "fieldValidation=Strict"
	dryRun = "dryRun=All"
	table  = "application/json;as=Table;v=v1;g=meta.k8s.io"
	meta   = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
)

// try sends every mutation of a new object without storing it.
func (r *runner) try(ctx context.Context, s specimen) error {
	list := append(mutations(clone(s.value)), mutation{"unchanged", encode(s.value)})
	if f, ok := fixture(r.dir, s.resource); ok {
		list = append(list, grafts(clone(s.value), f)...)
	}
	var cases []pair
	for _, m := range list {
		req := request{method: http.MethodPost, path: s.path("") + "?" + dryRun, body: m.data}
		cases = append(cases, pair{"create " + s.name + ": " + m.name, req, req})
	}
	return r.all(ctx, s.resource, cases)
}

// fixtures sends the wire fixture, in which every field has a value.
func (r *runner) fixtures(ctx context.Context, res *resource) error {
	value, ok := fixture(r.dir, res)
	if !ok {
		return nil
	}
	var cases []pair
	add := func(name string) {
		req := request{method: http.MethodPost, path: res.path("") + "?" + dryRun, body: encode(value)}
		cases = append(cases, pair{"create fixture: " + name, req, req})
	}
	add("whole")
	metadata := value["metadata"].(map[string]any)
	if res.namespaced {
		metadata["namespace"] = "default"
	}
	delete(metadata, "resourceVersion")
	add("whole, of no version")
	delete(metadata, "managedFields")
	metadata["name"] = "fixture"
	add("named")
	value["metadata"] = map[string]any{"name": "fixture"}
	add("without metadata")
	value["metadata"] = map[string]any{"generateName": "generated-"}
	add("generated name")
	value["unknown"] = "field"
	if slices.Contains(res.verbs, "list") {
		for _, accept := range []string{jsonType, table, metaList, protobufType} {
			req := request{method: http.MethodGet, path: res.path("") + "?labelSelector=none", accept: accept}
			cases = append(cases, pair{"list of nothing as " + accept, req, req})
		}
	}
	req := request{method: http.MethodPost, path: res.path("") + "?" + dryRun + "&" + strict, body: encode(value)}
	cases = append(cases, pair{"create fixture: unknown field, strict", req, req})
	return r.all(ctx, res, cases)
}

// putNew puts an object that is not there, which creates it in some kinds.
func (r *runner) putNew(ctx context.Context, s specimen) error {
	_, _, err := r.both(ctx, s.resource, "put what is not there: "+s.name, request{method: http.MethodPut, path: s.path(s.name) + "?" + dryRun, body: encode(s.value)})
	return err
}

// live leads an object through its life.
func (r *runner) live(ctx context.Context, s specimen) error {
	if err := r.remove(ctx, s); err != nil {
		return err
	}
	if err := r.putNew(ctx, s); err != nil {
		return err
	}
	a, b, err := r.both(ctx, s.resource, "create "+s.name, request{method: http.MethodPost, path: s.path(""), body: encode(s.value)})
	if err != nil || a.code != http.StatusCreated || b.code != http.StatusCreated {
		return err
	}
	if _, stored := b.value["metadata"].(map[string]any); !stored || s.name == "" {
		return nil // a review, which is answered and not stored
	}
	for _, step := range []func(context.Context, specimen) error{
		r.conflict, r.read, r.update, r.status, r.patch, r.scale, r.read, r.apply, r.end,
	} {
		if err := step(ctx, s); err != nil {
			return fmt.Errorf("%s %s: %w", s.kind, s.name, err)
		}
	}
	return nil
}

func (r *runner) conflict(ctx context.Context, s specimen) error {
	_, _, err := r.both(ctx, s.resource, "create again "+s.name, request{method: http.MethodPost, path: s.path(""), body: encode(s.value)})
	return err
}

// selectable are field selectors that some kind knows, and one that none does.
var selectable = []string{
	"metadata.name=x", "metadata.namespace=default", "metadata.uid=x", "status.phase=Running", "spec.nodeName=x", "spec.unschedulable=true",
	"type=Opaque", "involvedObject.kind=Pod", "reason=x", "reportingComponent=x", "source=x", "status.replicas=1", "status.successful=1",
	"spec.signerName=x", "spec.schedulerName=x", "spec.driver=x", "spec.clusterIP=1.2.3.4", "spec.type=ClusterIP", "spec.parentRef=x",
	"spec.restartPolicy=Never", "spec.serviceAccountName=x", "spec.hostNetwork=true", "status.podIP=1.2.3.4", "status.podIPs=1.2.3.4", "status.nominatedNodeName=x",
	"involvedObject.fieldPath=x", "spec.nodeName", "regarding.kind=Pod", "no.such=field",
}

// read gets the object in every form.
func (r *runner) read(ctx context.Context, s specimen) error {
	var cases []pair
	add := func(name, path, accept string) {
		req := request{method: http.MethodGet, path: path, accept: accept}
		cases = append(cases, pair{name + " " + s.name, req, req})
	}
	one := s.path("") + "?fieldSelector=metadata.name%3D" + s.name
	add("get", s.path(s.name), "")
	add("get table", s.path(s.name), table)
	add("get metadata", s.path(s.name), meta)
	add("get table with objects", s.path(s.name)+"?includeObject=Object", table)
	add("list", one, "")
	add("list table", one, table)
	if s.subresources["status"] {
		add("get status", s.path(s.name)+"/status", "")
	}
	for _, selector := range selectable {
		if err := r.selects(&cases, s, selector); err != nil {
			return err
		}
	}
	return r.all(ctx, s.resource, cases)
}

func (r *runner) selects(cases *[]pair, s specimen, selector string) error {
	req := request{method: http.MethodGet, path: s.path("") + "?limit=0&labelSelector=oracle%3Dnone&fieldSelector=" + escape(selector)}
	*cases = append(*cases, pair{"select " + selector, req, req})
	return nil
}

// update sends every mutation of the stored object without storing it, then stores one, then a stale one.
func (r *runner) update(ctx context.Context, s specimen) error {
	a, b, err := r.stored(ctx, s)
	if err != nil {
		return err
	}
	theirs, ours := byName(r.changes(s.resource, a)), byName(r.changes(s.resource, b))
	var cases []pair
	for name, data := range theirs {
		if ours[name] == nil {
			continue
		}
		path := s.path(s.name) + "?" + dryRun
		cases = append(cases, pair{"update " + s.name + ": " + name,
			request{method: http.MethodPut, path: path, body: data}, request{method: http.MethodPut, path: path, body: ours[name]}})
	}
	if err := r.all(ctx, s.resource, cases); err != nil {
		return err
	}
	for _, what := range []string{"labelled", "stale", "unversioned"} {
		for _, v := range []map[string]any{a, b} {
			m := v["metadata"].(map[string]any)
			m["labels"] = map[string]any{"oracle": what}
			if what == "unversioned" {
				delete(m, "resourceVersion")
			}
		}
		_, _, err := r.ask(ctx, s.resource, "update "+s.name+": "+what,
			request{method: http.MethodPut, path: s.path(s.name), body: encode(a)}, request{method: http.MethodPut, path: s.path(s.name), body: encode(b)})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) changes(res *resource, stored map[string]any) []mutation {
	value := clone(stored)
	delete(value["metadata"].(map[string]any), "managedFields")
	out := mutations(value)
	if f, ok := fixture(r.dir, res); ok {
		out = append(out, grafts(value, f)...)
	}
	return append(out, mutation{"unchanged", encode(stored)})
}

func byName(list []mutation) map[string][]byte {
	out := map[string][]byte{}
	for _, m := range list {
		out[m.name] = m.data
	}
	return out
}

// stored reads the object as each server has it.
func (r *runner) stored(ctx context.Context, s specimen) (map[string]any, map[string]any, error) {
	req := request{method: http.MethodGet, path: s.path(s.name)}
	a, err := r.theirs.send(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	b, err := r.ours.send(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	if a.code != http.StatusOK || b.code != http.StatusOK {
		return nil, nil, fmt.Errorf("the object is gone: %d and %d", a.code, b.code)
	}
	return a.value, b.value, nil
}
