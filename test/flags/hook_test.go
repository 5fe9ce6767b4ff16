package flags

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// call is what a server sent to the hook.
type call struct {
	path, query, body string
	header            http.Header
	value             map[string]any
	// peer is who the caller's certificate names.
	peer string
}

// hook stands for everything that an API server calls. Each server under test has its own, and answer says what it answers.
type hook struct {
	*httptest.Server
	// ca is the authority of its certificate, in PEM and base64.
	ca string

	mu    sync.Mutex
	calls []call
	// held are those whose answers wait, until their channel is closed.
	held map[string]chan struct{}
}

func (h *hook) gate(name string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[name] == nil {
		h.held[name] = make(chan struct{})
	}
	return h.held[name]
}

// hold waits until the name is released, within reason.
func (h *hook) hold(name string) {
	select {
	case <-h.gate(name):
	case <-time.After(patience / 2):
	}
}

// release lets go all that wait for the name, and all that come.
func (h *hook) release(name string) {
	gate := h.gate(name)
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-gate:
	default:
		close(gate)
	}
}

func newHook(t *testing.T, answer func(h *hook, c call) (int, any)) *hook {
	h := &hook{held: map[string]chan struct{}{}}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{path: r.URL.Path, query: r.URL.RawQuery, header: r.Header}
		if certs := r.TLS.PeerCertificates; len(certs) > 0 {
			c.peer = certs[0].Subject.CommonName
		}
		if strings.HasPrefix(c.path, streamPath) {
			stream(w)
			return
		}
		body, _ := io.ReadAll(r.Body)
		c.body = string(body)
		_ = json.Unmarshal(body, &c.value)
		h.mu.Lock()
		h.calls = append(h.calls, c)
		h.mu.Unlock()
		code, reply := http.StatusOK, any(map[string]any{})
		if answer != nil {
			code, reply = answer(h, c)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if text, ok := reply.(string); ok {
			_, _ = io.WriteString(w, text)
			return
		}
		_ = json.NewEncoder(w).Encode(reply)
	}))
	h.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	// Those who do not trust it say so.
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	h.ca = base64.StdEncoding.EncodeToString(h.pem())
	t.Cleanup(h.Close)
	return h
}

func (h *hook) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
}

// streamPath is where the hook, as a kubelet, opens streams, and streamed how much it sends.
const (
	streamPath = "/portForward/"
	streamed   = 60_000
)

// stream takes the connection over and sends at once what it has.
func stream(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n" + strings.Repeat("x", streamed))
	_ = buffered.Flush()
	// The other side ends.
	_, _ = io.Copy(io.Discard, conn)
}

// seen are the calls up to now.
func (h *hook) seen() []call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]call(nil), h.calls...)
}

// kubeconfig is how servers are told of the hook.
func kubeconfig(path string) string {
	return `apiVersion: v1
kind: Config
clusters: [{name: hook, cluster: {server: "{{hook}}` + path + `", certificate-authority-data: {{hookca}}}}]
users: [{name: hook, user: {token: hook-token}}]
contexts: [{name: hook, context: {cluster: hook, user: hook}}]
current-context: hook
`
}

// dig finds a value in decoded JSON.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func decode(text string) map[string]any {
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	_ = d.Decode(&out)
	return out
}
