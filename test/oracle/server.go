package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"k8s.io/client-go/rest"
)

// endpoint is where one of the two servers is, and what else of it a test may use.
type endpoint struct {
	config *rest.Config
	// pki holds the keys of a server that the test started, and etcd is the address of its store; empty for others.
	pki, etcd string
	// dir is a folder of the server's own.
	dir string
}

// server is one of the two that are asked.
type server struct {
	endpoint
	host   string
	client *http.Client

	mu    sync.Mutex
	doors map[string]*http.Client
}

func newServer(e endpoint) (*server, error) {
	client, err := rest.HTTPClientFor(e.config)
	if err != nil {
		return nil, err
	}
	return &server{endpoint: e, host: strings.TrimSuffix(e.config.Host, "/"), client: client, doors: map[string]*http.Client{"": client}}, nil
}

// request is what is sent to both.
type request struct {
	method, path string
	// contentType and accept default to JSON.
	contentType, accept string
	body                []byte
	// user is who to act as; empty is the administrator.
	user string
	// door is how to come; empty is the administrator's over HTTP/2.
	door string
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

// by is the client of a door.
func (s *server) by(door string) (*http.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.doors[door]; c != nil {
		return c, nil
	}
	c, err := s.open(door)
	if err == nil {
		s.doors[door] = c
	}
	return c, err
}

func (s *server) send(ctx context.Context, r request) (answer, error) {
	host := s.host
	if r.door == doorPlain {
		host = strings.Replace(host, "https:", "http:", 1)
	}
	client, err := s.by(r.door)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, host+r.path, bytes.NewReader(r.body))
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
	resp, err := client.Do(req)
	if err != nil {
		return broken(r, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return answer{code: resp.StatusCode, header: resp.Header, value: switched(resp)}, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return broken(r, err)
	}
	a := answer{code: resp.StatusCode, warnings: resp.Header.Values("Warning"), header: resp.Header, body: body}
	a.value = decode(resp.Header.Get("Content-Type"), body)
	return a, nil
}

// streamTime bounds how long the frames of a stream are waited for; the kubelet of the stories ends them at once.
const streamTime = 5 * time.Second

// switched reads what a connection says after it changed its protocol.
func switched(resp *http.Response) map[string]any {
	if !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") {
		return map[string]any{"protocol": resp.Header.Get("Upgrade")}
	}
	end := time.AfterFunc(streamTime, func() { _ = resp.Body.Close() })
	defer end.Stop()
	return webSocket(resp.Body)
}

// broken makes an answer of a stream that the server ended and of a connection that it refused: it panicked, or did not like the
// client's certificate, which are answers, too. All else is no answer.
func broken(r request, err error) (answer, error) {
	var stream http2.StreamError
	var network *net.OpError
	switch {
	case errors.As(err, &stream), strings.Contains(err.Error(), "stream error"):
		return answer{body: []byte("the server broke the stream")}, nil
	case r.door != "" && errors.As(err, &network) && strings.HasPrefix(network.Err.Error(), "tls: "):
		return answer{body: []byte(network.Err.Error())}, nil
	case r.door != "" && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)):
		return answer{body: []byte("the server ended the connection")}, nil
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
