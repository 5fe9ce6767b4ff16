package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/utils/exec"
)

func TestPlainPaths(t *testing.T) {
	u := start(t, nil)
	for _, tc := range []struct {
		path string
		code int
		want string
	}{
		{"/healthz", 200, "ok"},
		{"/pods", 200, `"kind":"PodList"`},
		{"/runningpods/", 200, `"name":"c"`},
		{"/stats/summary", 200, `"nodeName":"n"`},
		{"/metrics/resource", 200, `container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 42`},
		{"/metrics/cadvisor", 200, `container_cpu_usage_seconds_total{container="c",cpu="total",namespace="ns",pod="p"} 2`},
		{"/configz", 200, `{"kubeletconfig":{"maxPods":110}}`},
		{"/statusz", 200, "kubelet statusz"},
		{"/metrics/slis", 200, ""},
		{"/debug/pprof/cmdline", 200, ""},
		{"/containerLogs/ns/none/c", 404, "pod does not exist"},
		{"/containerLogs/ns/p/none", 404, `container "none" not found in pod "p"`},
		{"/containerLogs/ns/p/waiting", 400, `container "waiting" in pod "p" is waiting to start: trying and failing to pull image`},
		{"/containerLogs/ns/p/c", 200, "one\ntwo\nthree\n"},
		{"/containerLogs/ns/p/c?tailLines=1", 200, "three\n"},
		{"/containerLogs/ns/p/c?limitBytes=5", 200, "one\nt"},
		{"/containerLogs/ns/p/c?sinceTime=2026-11-21T11:00:01.5Z&timestamps=true", 200, "2026-11-21T11:00:02.000000000Z three\n"},
		{"/containerLogs/ns/p/c?previous=true&follow=true", 200, "before\n"},
		{"/containerLogs/ns/p/c?tailLines=-1", 400, "invalid tailLines"},
		{"/exec/ns/p/c?command=echo", 400, "you must specify at least 1 of stdin, stdout, stderr"},
		{"/exec/ns/p/waiting?command=echo&output=1", 404, `container not found ("waiting")`},
	} {
		code, body := get(t, u, tc.path)
		exact := strings.HasPrefix(tc.path, "/containerLogs") && code == 200
		if code != tc.code || !strings.Contains(body, tc.want) || exact && body != tc.want {
			t.Errorf("%s: %d %q, want %d %q", tc.path, code, body, tc.code, tc.want)
		}
	}
	res, err := client.PostForm(u.String()+"/run/ns/p/c", url.Values{"cmd": {"ls"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "id-1:ls" {
		t.Errorf("run: %q", body)
	}
}

func TestDebuggingDisabled(t *testing.T) {
	u := start(t, func(c *Config) { c.Debugging = false })
	for _, path := range []string{"/exec/ns/p/c?output=1", "/containerLogs/ns/p/c", "/debug/pprof/"} {
		if code, _ := get(t, u, path); code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", path, code)
		}
	}
}

// Both kinds of clients reach the container, with input, output and exit code.
func TestExec(t *testing.T) {
	u := start(t, nil)
	config := &rest.Config{Host: u.String(), TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	for kind, dial := range map[string]func(*url.URL) (remotecommand.Executor, error){
		"spdy": func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(config, "POST", u)
		},
		"websocket": func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(config, "GET", u.String())
		},
	} {
		t.Run(kind, func(t *testing.T) {
			run := func(path, query, in string) (string, string, error) {
				target := *u
				target.Path, target.RawQuery = path, query
				executor, err := dial(&target)
				if err != nil {
					t.Fatal(err)
				}
				var out, stderr bytes.Buffer
				opts := remotecommand.StreamOptions{Stdout: &out}
				if strings.Contains(query, "error=1") {
					opts.Stderr = &stderr
				}
				if in != "" {
					opts.Stdin = strings.NewReader(in)
				}
				err = executor.StreamWithContext(t.Context(), opts)
				return out.String(), stderr.String(), err
			}
			if out, _, err := run("/exec/ns/p/c", "command=echo&command=a&command=b&output=1&error=1", ""); err != nil || out != "id-1 [a b] tty=false" {
				t.Errorf("echo: %q %v", out, err)
			}
			if out, _, err := run("/exec/ns/p/u/c", "command=cat&input=1&output=1", "round trip"); err != nil || out != "round trip" {
				t.Errorf("cat: %q %v", out, err)
			}
			_, stderr, err := run("/exec/ns/p/c", "command=false&output=1&error=1", "")
			var exit utilexec.ExitError
			if !errors.As(err, &exit) || exit.ExitStatus() != 3 || stderr != "it failed" {
				t.Errorf("false: %q %v", stderr, err)
			}
			if out, _, err := run("/attach/ns/p/c", "output=1", ""); err != nil || out != "attached to id-1" {
				t.Errorf("attach: %q %v", out, err)
			}
		})
	}
}

func TestPortForward(t *testing.T) {
	u := start(t, nil)
	target := *u
	target.Path = "/portForward/ns/p"
	config := &rest.Config{Host: u.String(), TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	tunnel, err := portforward.NewSPDYOverWebsocketDialer(&target, config)
	if err != nil {
		t.Fatal(err)
	}
	overSPDY := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", &target)
	for _, kind := range []string{"spdy", "websocket"} {
		t.Run(kind, func(t *testing.T) {
			stop, ready := make(chan struct{}), make(chan struct{})
			defer close(stop)
			var forward *portforward.PortForwarder
			var err error
			if kind == "spdy" {
				forward, err = portforward.New(overSPDY, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
			} else {
				forward, err = portforward.New(tunnel, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
			}
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = forward.ForwardPorts() }()
			<-ready
			ports, err := forward.GetPorts()
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, "ping")
			if answer, err := io.ReadAll(conn); err != nil || string(answer) != "sandbox:8080:ping" {
				t.Errorf("%q %v", answer, err)
			}
		})
	}
}

type allow map[string]bool

func (a allow) Authorize(_ context.Context, at authorizer.Attributes) (authorizer.Decision, string, error) {
	if a[at.GetVerb()+" "+at.GetSubresource()] && at.GetName() == "n" && at.GetResource() == "nodes" {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func TestAccess(t *testing.T) {
	authn := authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
		name := r.Header.Get("X-User")
		return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, name != "", nil
	})
	for _, tc := range []struct {
		user, path string
		may        allow
		code       int
	}{
		{"", "/pods", allow{"get pods": true}, 401},
		{"u", "/pods", allow{"get pods": true}, 200},
		{"u", "/pods", allow{"get proxy": true}, 200},
		{"u", "/pods", allow{"get stats": true}, 403},
		{"u", "/stats/summary", allow{"get stats": true}, 200},
		{"u", "/stats/summary", allow{"get proxy": true}, 403},
		{"u", "/metrics/resource", allow{"get metrics": true}, 200},
		{"u", "/healthz", allow{"get healthz": true}, 200},
		{"u", "/configz", allow{"get configz": true}, 200},
		{"u", "/containerLogs/ns/p/c", allow{"get pods": true}, 403},
		{"u", "/containerLogs/ns/p/c", allow{"get proxy": true}, 200},
	} {
		u := start(t, func(c *Config) { c.Access = Access{Authenticator: authn, Authorizer: tc.may} })
		req, _ := http.NewRequest("GET", u.String()+tc.path, nil)
		req.Header.Set("X-User", tc.user)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.code {
			t.Errorf("%s %s with %v: %d, want %d", tc.user, tc.path, tc.may, res.StatusCode, tc.code)
		}
	}
}
