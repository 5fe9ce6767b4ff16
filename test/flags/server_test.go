package flags

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// bench is what all servers share: the binaries, the keys and the store.
type bench struct {
	bins  map[string]string
	pki   string
	etcd  string
	count atomic.Int64
	plain map[string]*server
}

// The two sides.
const (
	upstream = "upstream"
	ours     = "ours"
)

// newBench starts the store; the test skips where something is not built.
func newBench(t *testing.T) *bench {
	if testing.Short() {
		t.Skip("starts several dozen servers")
	}
	b := &bench{bins: map[string]string{ours: peer.OurAPIServer(), upstream: filepath.Join(peer.DefaultBinDir(), "kube-apiserver")}, plain: map[string]*server{}}
	for side, path := range b.bins {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("kube-apiserver (%s) is not built: %v", side, err)
		}
	}
	c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	b.pki, b.etcd = c.PKIDir(), c.Etcd()
	return b
}

// server is a running kube-apiserver, or one that refused to run.
type server struct {
	side, dir, host, url, log, prefix string
	// vars are more that may stand in arguments and files: name, value, name, value.
	vars []string
	// short is a folder whose name is short enough for sockets.
	short string
	bench *bench
	port  int
	*peer.Process

	mu      sync.Mutex
	clients map[string]*http.Client
}

// base is a useful server; a row may replace any of it.
func (b *bench) base(s *server) []string {
	return []string{
		"--etcd-servers=" + b.etcd, "--etcd-prefix=" + s.prefix,
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(s.port), "--advertise-address=203.0.113.10",
		"--service-cluster-ip-range=10.96.0.0/12", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
		"--tls-cert-file=" + b.pki + "/apiserver.crt", "--tls-private-key-file=" + b.pki + "/apiserver.key",
		"--client-ca-file=" + b.pki + "/ca.crt",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + b.pki + "/sa.pub", "--service-account-signing-key-file=" + b.pki + "/sa.key",
	}
}

func flagName(arg string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-!"), "=")
	return name
}

// arguments are those of the base that the row does not replace, and the row's. "!name" takes one away.
func arguments(base, row []string) []string {
	replaced := map[string]bool{}
	for _, a := range row {
		replaced[flagName(a)] = true
	}
	var out []string
	for _, a := range base {
		if !replaced[flagName(a)] {
			out = append(out, a)
		}
	}
	for _, a := range row {
		if !strings.HasPrefix(a, "!") {
			out = append(out, a)
		}
	}
	return out
}

// settings are how to start a server.
type settings struct {
	args []string
	// files are written into the server's folder first.
	files map[string]string
	// host is where it listens, if not at 127.0.0.1.
	host string
	hook *hook
	// unready does not wait until the server is ready, only until it listens.
	unready bool
	// before is called when the server's folder is there.
	before func(*server)
}

// start starts a server and waits until it is ready or has ended.
func (b *bench) start(t *testing.T, side string, c settings) *server {
	t.Helper()
	n := b.count.Add(1)
	s := &server{side: side, bench: b, dir: t.TempDir(), host: "127.0.0.1", prefix: fmt.Sprintf("/%s-%d", side, n), clients: map[string]*http.Client{}}
	short, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	s.short = short
	if c.host != "" {
		s.host = c.host
	}
	l, err := net.Listen("tcp", s.host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.url, s.log = "https://"+net.JoinHostPort(s.host, strconv.Itoa(s.port)), filepath.Join(s.dir, "log")
	if c.before != nil {
		c.before(s)
	}
	fill := s.filler(c.hook)
	for name, text := range c.files {
		s.write(t, name, fill.Replace(text))
	}
	args := arguments(b.base(s), c.args)
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	cmd := exec.Command(b.bins[side], args...)
	out, err := os.Create(filepath.Join(s.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = out
	if s.Process, err = peer.Begin(cmd, s.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.await(t, c.unready)
	return s
}

func (s *server) filler(h *hook) *strings.Replacer {
	pairs := []string{"{{dir}}", s.dir, "{{pki}}", s.bench.pki, "{{short}}", s.short, "{{etcd}}", s.bench.etcd, "{{port}}", strconv.Itoa(s.port)}
	pairs = append(pairs, s.vars...)
	if h != nil {
		pairs = append(pairs, "{{hook}}", h.URL, "{{hookca}}", h.ca, "{{hookpem}}", strings.ReplaceAll(string(h.pem()), "\n", "\n      "))
	}
	return strings.NewReplacer(pairs...)
}

// write puts a file into the server's folder at once, as a mounted volume does.
func (s *server) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a server may take for what it does sooner or later, on a busy machine.
const patience = 60 * time.Second

// startTime is how long a server may take to become ready, where many share a machine.
const startTime = 5 * time.Minute

// await waits for readiness or the end.
func (s *server) await(t *testing.T, listening bool) {
	t.Helper()
	end := time.Now().Add(startTime)
	for time.Now().Before(end) {
		select {
		case <-s.Done():
			return
		case <-time.After(30 * time.Millisecond):
		}
		r := s.ask(request{path: "/readyz"})
		if r.code == http.StatusOK || listening && r.code != 0 {
			return
		}
	}
	t.Fatalf("%s is not ready; %v; its log:\n%s", s.side, s.ask(request{path: "/readyz?verbose"}), tail(s.output(), 30))
}

// stop ends the server. One that does not end is killed: how servers end is test/oracle's matter.
func (s *server) stop() { _ = s.End(20 * time.Second) }

func (s *server) output() string {
	data, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

var failed = regexp.MustCompile(`(?m)^(?:E.*"command failed" err="(.*)"|Error: (.*)|.*"command failed","err":"(.*)"})$`)

// refusal is the exit code and what the server said when it refused to start.
func (s *server) refusal() string {
	text := "no reason"
	if m := failed.FindAllStringSubmatch(s.output(), -1); m != nil {
		last := m[len(m)-1]
		text = last[1] + last[2] + last[3]
	}
	return fmt.Sprintf("%d: %s", s.Cmd.ProcessState.ExitCode(), s.same(text))
}

// same makes equal what each server has for itself.
func (s *server) same(text string) string {
	return strings.NewReplacer(s.dir, "DIR", s.short, "SHORT", s.url, "URL", ":"+strconv.Itoa(s.port), ":PORT", s.prefix, "/PREFIX").Replace(text)
}

// request is what is sent.
type request struct {
	method, path, body string
	// door is how to come: empty is the administrator over HTTP/2, "anonymous" nobody, other names are pairs in the folder of keys.
	door, token, user string
	contentType       string
	header            map[string]string
	ctx               context.Context
}

// reply is what came back; code 0 is no answer.
type reply struct {
	code   int
	header http.Header
	body   string
	err    error
}

// String is code and body, or why there are none.
func (r reply) String() string {
	if r.code == 0 {
		return "no answer: " + network(r.err)
	}
	return fmt.Sprintf("%d %s", r.code, strings.TrimSpace(r.body))
}

// network is an error without addresses.
func network(err error) string {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		return op.Err.Error()
	case err == nil:
		return "none"
	}
	return err.Error()
}

func (s *server) ask(r request) reply {
	c := s.client(r.door)
	ctx := r.ctx
	if ctx == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), patience)
		defer cancel()
	}
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, r.method, s.url+r.path, strings.NewReader(r.body))
	if err != nil {
		return reply{err: err}
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	req.Header.Set("User-Agent", "flags")
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.user != "" {
		req.Header.Set("Impersonate-User", r.user)
	}
	for k, v := range r.header {
		if k == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = io.Copy(&body, resp.Body)
	return reply{code: resp.StatusCode, header: resp.Header, body: body.String(), err: err}
}

// client is one for a door.
func (s *server) client(door string) *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[door]; c != nil {
		return c
	}
	c := newClient(s.tls(door))
	s.clients[door] = c
	return c
}

// enter makes a door.
func (s *server) enter(door string, c *tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[door] = newClient(c)
}

func newClient(c *tls.Config) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *server) tls(door string) *tls.Config {
	c := &tls.Config{InsecureSkipVerify: true}
	if door == "" {
		door = "admin"
	}
	if door != "anonymous" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(s.bench.pki, door+".crt"), filepath.Join(s.bench.pki, door+".key"))
		if err != nil {
			panic(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}
