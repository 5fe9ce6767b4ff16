package router

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/utils/lru"
)

const (
	// remembered is for how many different kinds of requests; there are as many as routes, times the media types that clients ask for.
	remembered = 4096
	// longest is how many parts a path may have to be remembered: longer ones are for proxies.
	longest = 12
)

// Router is a restful.RouteSelector.
type Router struct {
	inner restful.CurlyRouter
	table atomic.Pointer[table]
}

// table is what is known about a set of services.
type table struct {
	services int
	// simple tells that routes follow from the properties above.
	simple bool
	words  map[string]bool
	found  *lru.Cache
}

type route struct {
	service *restful.WebService
	route   *restful.Route
}

// SelectRoute is CurlyRouter's.
func (r *Router) SelectRoute(services []*restful.WebService, req *http.Request) (*restful.WebService, *restful.Route, error) {
	t := r.table.Load()
	if t == nil || t.services != len(services) {
		t = newTable(services)
		r.table.Store(t)
	}
	kind, ok := t.kind(req)
	if !ok {
		return r.inner.SelectRoute(services, req)
	}
	if known, ok := t.found.Get(kind); ok {
		found := known.(*route)
		return found.service, found.route, nil
	}
	service, selected, err := r.inner.SelectRoute(services, req)
	if err == nil && selected != nil {
		t.found.Add(kind, &route{service, selected})
	}
	return service, selected, err
}

func newTable(services []*restful.WebService) *table {
	t := &table{services: len(services), simple: true, words: map[string]bool{}, found: lru.New(remembered)}
	for _, s := range services {
		for _, route := range s.Routes() {
			if len(route.If) > 0 {
				t.simple = false
			}
			for part := range strings.SplitSeq(route.Path, "/") {
				switch {
				case !strings.HasPrefix(part, "{"):
					t.words[part] = true
					// A verb after a colon is a part of a part.
					t.simple = t.simple && !strings.Contains(part, ":")
				case strings.Contains(part, ":"):
					// Any other expression is about the text.
					t.simple = t.simple && strings.HasSuffix(part, ":*}")
				}
			}
		}
	}
	return t
}

// kind is the same for requests that have the same route.
func (t *table) kind(req *http.Request) (string, bool) {
	if !t.simple {
		return "", false
	}
	var b strings.Builder
	path := req.URL.Path
	accept, content := req.Header.Get(restful.HEADER_Accept), req.Header.Get(restful.HEADER_ContentType)
	b.Grow(len(req.Method) + len(path) + len(accept) + len(content) + 3)
	b.WriteString(req.Method)
	parts := 0
	for part := range strings.SplitSeq(path, "/") {
		if parts++; parts > longest {
			return "", false
		}
		b.WriteByte('/')
		if t.words[part] {
			b.WriteString(part)
		} else {
			// No word is a control character.
			b.WriteByte(0)
		}
	}
	b.WriteByte('\n')
	b.WriteString(accept)
	b.WriteByte('\n')
	b.WriteString(content)
	return b.String(), true
}
