package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http2"
	"k8s.io/client-go/rest"
)

// server is one of the two that are asked.
type server struct {
	host   string
	client *http.Client
}

func newServer(config *rest.Config) (*server, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &server{host: strings.TrimSuffix(config.Host, "/"), client: client}, nil
}

// request is what is sent to both.
type request struct {
	method, path string
	// contentType and accept default to JSON.
	contentType, accept string
	body                []byte
	// user is who to act as; empty is the administrator.
	user string
	// headers are sent beside the usual ones.
	headers map[string]string
}

// answer is what a server said.
type answer struct {
	code     int
	warnings []string
	body     []byte
	// header is what is said about the body.
	header http.Header
	// value is the decoded body, in whichever form it came; nil if it has none of the API's.
	value map[string]any
}

const jsonType = "application/json"

func (s *server) send(ctx context.Context, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, s.host+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", first(r.accept, jsonType))
	if r.body != nil {
		req.Header.Set("Content-Type", first(r.contentType, jsonType))
	}
	req.Header.Set("User-Agent", "oracle")
	if r.user != "" {
		req.Header.Set("Impersonate-User", r.user)
	}
	for k, v := range r.headers {
		req.Header.Set(k, v)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return broken(r, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return broken(r, err)
	}
	a := answer{code: resp.StatusCode, warnings: resp.Header.Values("Warning"), header: resp.Header, body: body}
	a.value = decode(resp.Header.Get("Content-Type"), body)
	return a, nil
}

// broken makes an answer of a stream that the server ended: it panicked, which is an answer, too. All else is no answer.
func broken(r request, err error) (answer, error) {
	var stream http2.StreamError
	if errors.As(err, &stream) || strings.Contains(err.Error(), "stream error") {
		return answer{body: []byte("the server broke the stream")}, nil
	}
	return answer{}, fmt.Errorf("%s %s: %w", r.method, r.path, err)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
