package dataswap

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	patience = 30 * time.Second
	tick     = 50 * time.Millisecond
)

func TestOursServesWhatUpstreamWrote(t *testing.T) { swap(newData(t), upstream, ours) }

func TestUpstreamServesWhatOursWrote(t *testing.T) { swap(newData(t), ours, upstream) }

// swap lets one server write, the other read, watch and update, and the first read what became of it.
func swap(d *data, writer, reader side) {
	t := d.T
	var written, updated map[string]string
	d.serve(writer, func(s *server) {
		made := s.createAll()
		written = s.everything()
		t.Logf("%s wrote %d manifests; %d objects in all", writer, made, len(written))
		s.everyResourceHasAnObject()
	})
	d.serve(reader, func(s *server) {
		s.settle(written)
		compare(t, "what "+string(reader)+" serves", written, s.everything())
		s.watchAndUpdate()
		updated = s.everything()
	})
	d.serve(writer, func(s *server) {
		s.settle(updated)
		compare(t, "what "+string(writer)+" serves after the updates", updated, s.everything())
	})
}

// everyResourceHasAnObject keeps the proof whole: a resource without an object would be proved by nothing.
func (s *server) everyResourceHasAnObject() {
	s.Helper()
	all := s.resources()
	for _, r := range all {
		if objects, _ := s.list(r); len(objects) == 0 {
			s.Errorf("no manifest makes a %s", r.title())
		}
	}
	s.Logf("%d resources, all with objects", len(all))
}

// settle waits until the server serves every path that is expected: custom resources come up after the rest.
func (s *server) settle(want map[string]string) {
	s.Helper()
	s.await("all resources are served", func() bool {
		have := s.everything()
		for path := range want {
			if _, ok := have[path]; !ok {
				return false
			}
		}
		return true
	})
}

func (s *server) await(what string, ok func() bool) {
	s.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for began := time.Now(); !ok(); <-ticker.C {
		if time.Since(began) > patience {
			s.Errorf("%s: not within %v", what, patience)
			return
		}
	}
}

// own tells whether a server writes an object about itself whenever it runs.
func own(path string) bool {
	return strings.HasPrefix(path, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/apiserver-") ||
		path == "/api/v1/namespaces/default/endpoints/kubernetes" || path == "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
}

// compare wants the same objects, each to the byte: field order, versions, UIDs, managed fields and all.
func compare(t *testing.T, what string, want, have map[string]string) {
	t.Helper()
	same := 0
	for _, path := range slices.Sorted(maps.Keys(want)) {
		switch h, ok := have[path]; {
		case own(path):
		case !ok:
			t.Errorf("%s: %s is missing", what, path)
		case h != want[path]:
			t.Errorf("%s: %s:%s", what, path, difference(want[path], h))
		default:
			same++
		}
	}
	for path := range have {
		if _, ok := want[path]; !ok && !own(path) {
			t.Errorf("%s: %s is new", what, path)
		}
	}
	t.Logf("%s: %d objects are the same", what, same)
}

// watchAndUpdate sees every object as the beginning of a watch, changes it, and sees the change.
func (s *server) watchAndUpdate() {
	s.Helper()
	changed := 0
	for _, r := range s.resources() {
		objects, _ := s.list(r)
		stream, err := s.client.Get().RequestURI(r.collection("") + "?watch=true&resourceVersion=0&timeoutSeconds=30").Stream(s.Context())
		if err != nil {
			s.Errorf("watching %s: %v", r.title(), err)
			continue
		}
		events := bufio.NewReader(stream)
		for range objects {
			kind, seen, err := next(events)
			if err != nil || kind != "ADDED" || !slices.ContainsFunc(objects, func(o object) bool { return own(o.path(r)) || sameObject(o.json, seen) }) {
				s.Errorf("watching %s: %s %v %s is no listed object", r.title(), kind, err, seen)
				break
			}
		}
		for _, o := range objects {
			if own(o.path(r)) || r.groupVersion == "events.k8s.io/v1" {
				continue // events in their older form are valid in the older group only, where the same objects are
			}
			answer := s.label(o.path(r), strings.ReplaceAll(r.groupVersion, "/", "."))
			kind, seen, err := next(events)
			for err == nil && own(pathOf(r, seen)) {
				kind, seen, err = next(events)
			}
			if err != nil || kind != "MODIFIED" || !sameObject(answer, seen) {
				s.Errorf("watching %s after an update: %s %v %s, want %s", r.title(), kind, err, seen, answer)
				break
			}
			changed++
		}
		stream.Close()
	}
	s.Logf("%d objects watched and updated", changed)
}

// next reads one event.
func next(r *bufio.Reader) (kind string, object json.RawMessage, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil && err != io.EOF {
		return "", nil, err
	}
	var event struct {
		Type   string
		Object json.RawMessage
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return "", nil, err
	}
	return event.Type, event.Object, nil
}

func pathOf(r resource, data []byte) string {
	var o struct {
		Metadata struct{ Namespace, Name string }
	}
	if json.Unmarshal(data, &o) != nil {
		return ""
	}
	return object{nil, o.Metadata.Namespace, o.Metadata.Name}.path(r)
}

// sameObject compares without kind and version, which lists leave out of their items.
func sameObject(a, b []byte) bool {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	for _, m := range []map[string]any{x, y} {
		delete(m, "kind")
		delete(m, "apiVersion")
	}
	left, _ := json.Marshal(x)
	right, _ := json.Marshal(y)
	return string(left) == string(right)
}
