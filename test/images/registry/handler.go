package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// handler is the pull side of the distribution protocol.
type handler struct{ *store }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only")
		return
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok {
		fail(w, http.StatusNotFound, "UNSUPPORTED", "not a registry path")
		return
	}
	if path == "" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
		return
	}
	if repository, reference, ok := strings.Cut(path, "/manifests/"); ok {
		m, ok := h.manifest(r.URL.Query().Get("ns"), repository, reference)
		if !ok {
			fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "no "+repository+":"+reference)
			return
		}
		h.serve(w, r, m.Digest.String(), string(m.MediaType))
		return
	}
	if _, digest, ok := strings.Cut(path, "/blobs/"); ok {
		h.serve(w, r, digest, "application/octet-stream")
		return
	}
	fail(w, http.StatusNotFound, "UNSUPPORTED", "not a registry path")
}

func (h handler) serve(w http.ResponseWriter, r *http.Request, digest, mediaType string) {
	b, ok := h.blobs[digest]
	if !ok {
		fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "no "+digest)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(b, b.offset, b.size))
}

// fail answers as the protocol's clients expect errors.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
