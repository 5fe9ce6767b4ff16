package sharedlist

import (
	"context"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// request is what the parts know of one list request.
type request struct {
	lists *Lists
	// header is the request's own copy.
	header http.Header
	// accepts are the encodings that the client takes; compress tells that gzip is one of them.
	accepts  []string
	compress bool

	answer *answer
	list   runtime.Object
	// compressed tells that what is written is.
	compressed bool
}

type requestKey struct{}

// watchKey marks requests for watches that may share what they begin with.
type watchKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// Handler gives list requests what they need to share bytes, and lets watches share. It belongs directly around the API: inside the filters. compression is whether
// answers are compressed at all.
func (l *Lists) Handler(next http.Handler, compression bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, ok := apirequest.RequestInfoFrom(req.Context())
		// Tables tell of ages, and are encoded anew each time.
		if ok && info.IsResourceRequest && info.Verb == "watch" && !strings.Contains(req.Header.Get("Accept"), "as=Table") {
			next.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), watchKey{}, true)))
			return
		}
		// What is asked for as a table or as metadata is made from the list, and encoded on its own.
		if !ok || !info.IsResourceRequest || info.Verb != "list" || strings.Contains(req.Header.Get("Accept"), "as=") {
			next.ServeHTTP(w, req)
			return
		}
		r := &request{lists: l, header: req.Header.Clone(), accepts: req.Header["Accept-Encoding"]}
		r.compress = compression && acceptsGzip(req.Header.Get("Accept-Encoding"))
		defer r.end()
		req = req.WithContext(context.WithValue(req.Context(), requestKey{}, r))
		req.Header = r.header
		next.ServeHTTP(responsewriter.WrapForHTTP1Or2(&response{ResponseWriter: w, request: r}), req)
	})
}

// use says that the request's list is an answer's.
func (r *request) use(a *answer, list runtime.Object) {
	if r.list != nil {
		// A request that lists twice makes something of its own.
		r.lists.requests.Delete(r.list)
		if r.compress {
			r.header["Accept-Encoding"] = r.accepts
		}
		return
	}
	if r.compress {
		// What is there is compressed already: the generic API server shall not do it once more.
		delete(r.header, "Accept-Encoding")
	}
	r.answer, r.list = a, list
	r.lists.requests.Store(list, r)
}

func (r *request) end() {
	if r.list != nil {
		r.lists.requests.Delete(r.list)
	}
}

// acceptsGzip reads the header as the generic API server does.
func acceptsGzip(header string) bool {
	for token := range strings.SplitSeq(header, ",") {
		if strings.TrimSpace(token) == "gzip" {
			return true
		}
	}
	return false
}

// response announces that the body is compressed.
type response struct {
	http.ResponseWriter
	request *request
}

func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.request.compressed {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
	}
	w.ResponseWriter.WriteHeader(status)
}
