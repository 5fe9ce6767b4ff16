package oracle

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stuck is a server all of whose webhooks take connections and never say a word.
type stuck struct{ *told }

// deadHooks are the requests that wait for a webhook.
var deadHooks = []struct {
	name string
	wait func(ctx context.Context, s *stuck, n int)
}{
	{"token", func(ctx context.Context, s *stuck, n int) {
		_, _ = bearer(ctx, s.host+mapPath, fmt.Sprint("token-", n))
	}},
	{"authorization", func(ctx context.Context, s *stuck, n int) {
		_, _ = s.send(ctx, request{method: "GET", path: mapPath, user: "mallory"})
	}},
	{"admission", func(ctx context.Context, s *stuck, n int) {
		_, _ = s.send(ctx, request{method: "POST", path: mapPath + "?dryRun=All", body: fmt.Appendf(nil, mapBody, fmt.Sprint("waits-", n))})
	}},
	{"conversion", func(ctx context.Context, s *stuck, n int) {
		_, _ = s.send(ctx, request{method: "GET", path: "/apis/dead.example.org/v2/things/thing"})
	}},
	{"audit", func(ctx context.Context, s *stuck, n int) {
		_, _ = s.send(ctx, request{method: "GET", path: namespaced + "endpoints", user: "alice"})
	}},
}

func startStuck(t *testing.T, b program) *stuck {
	t.Helper()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dead.Close() })
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hook := file("hook.kubeconfig", fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://%s', insecure-skip-tls-verify: true}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n", dead.Addr()))
	s := &stuck{told: startTold(t, b, "--authentication-token-webhook-config-file="+hook, "--authentication-token-webhook-version=v1",
		"--authorization-mode=Node,RBAC,Webhook", "--authorization-webhook-config-file="+hook, "--authorization-webhook-version=v1",
		"--audit-policy-file="+file("policy.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: RequestResponse, resources: [{group: \"\", resources: [endpoints]}]}]\n"),
		"--audit-webhook-config-file="+hook, "--audit-webhook-mode=batch", "--audit-webhook-batch-buffer-size=10", "--audit-webhook-batch-max-size=5", "--audit-webhook-batch-max-wait=100ms")}
	// Neither server ends in its time while the audit webhook does not take what is left.
	t.Cleanup(func() { _ = s.Kill() })
	const extensions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	const form = `{"name":%q,"served":true,"storage":%v,"schema":{"openAPIV3Schema":{"type":"object"}}}`
	definition := `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.dead.example.org"},"spec":{"group":"dead.example.org","scope":"Cluster","names":{"plural":"things","kind":"Thing"},"versions":[` +
		fmt.Sprintf(form, "v1", true) + "," + fmt.Sprintf(form, "v2", false) + `],"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://` + dead.Addr().String() + `/"}}}}}`
	for _, o := range []struct{ path, body string }{
		{extensions, definition},
		{"/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"alice"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"alice"}]}`},
		{"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", fmt.Sprintf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"dead"},"webhooks":[{"name":"dead.example.org","clientConfig":{"url":"https://%s/"},"failurePolicy":"Fail","sideEffects":"None","timeoutSeconds":20,"admissionReviewVersions":["v1"],"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}]}]}`, dead.Addr())},
	} {
		if _, err := s.do(t.Context(), "POST", o.path, o.body); err != nil {
			t.Fatal(err)
		}
	}
	// Until the server knows what alice may, the webhook is asked.
	if err := s.until(t.Context(), 2*time.Minute, func() (bool, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		a, err := s.send(ctx, request{method: "GET", path: namespaced + "secrets?limit=1", user: "alice"})
		return err == nil && a.code == http.StatusOK, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.until(t.Context(), time.Minute, func() (bool, error) {
		a, err := s.send(t.Context(), request{method: "POST", path: "/apis/dead.example.org/v1/things", body: []byte(`{"apiVersion":"dead.example.org/v1","kind":"Thing","metadata":{"name":"thing"}}`)})
		return err == nil && a.code == http.StatusCreated, nil
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// others measures requests that wait for nobody, of an administrator and of a user.
func others(ctx context.Context, s *stuck, n int) (map[string][]time.Duration, error) {
	took := map[string][]time.Duration{}
	for i := range n {
		for _, user := range []string{"", "alice"} {
			start := time.Now()
			path := namespaced + "secrets"
			body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Secret","metadata":{"generateName":"other-%d-"}}`, i)
			for _, r := range []request{{method: "POST", path: path, body: body, user: user}, {method: "GET", path: path + "?limit=1", user: user}} {
				if a, err := s.send(ctx, r); err != nil || a.code >= 300 {
					return nil, fmt.Errorf("%s %s by %q: %s", r.method, r.path, user, said(a, err))
				}
			}
			took[user] = append(took[user], time.Since(start))
		}
	}
	for _, list := range took {
		slices.Sort(list)
	}
	return took, nil
}

// TestDeadWebhooks lets hundreds of requests wait for webhooks that never answer. What else is asked must take no longer for it than it
// does of upstream's server, beyond what the same takes when nobody waits.
func TestDeadWebhooks(t *testing.T) {
	const waiting, asked = 300, 25
	both := programs(t)
	var servers []*stuck
	for _, b := range both {
		servers = append(servers, startStuck(t, b))
	}
	quiet := make([]map[string][]time.Duration, len(servers))
	for i, s := range servers {
		var err error
		if quiet[i], err = others(t.Context(), s, asked); err != nil {
			t.Fatalf("%s: %v", both[i].name, err)
		}
	}
	for _, hook := range deadHooks {
		t.Run(hook.name, func(t *testing.T) {
			busy := make([]map[string][]time.Duration, len(servers))
			for i, s := range servers {
				ctx, cancel := context.WithCancel(t.Context())
				var group sync.WaitGroup
				for n := range waiting {
					group.Go(func() { hook.wait(ctx, s, n) })
				}
				time.Sleep(2 * time.Second) // until they wait
				var err error
				busy[i], err = others(t.Context(), s, asked)
				cancel()
				group.Wait()
				if err != nil {
					t.Fatalf("%s: %v", both[i].name, err)
				}
			}
			for _, user := range []string{"", "alice"} {
				var lines []string
				for i := range servers {
					q, b := quiet[i][user], busy[i][user]
					lines = append(lines, fmt.Sprintf("%s: median %v, worst %v; while nobody waits %v, %v", both[i].name, b[asked/2].Round(time.Millisecond), b[asked-1].Round(time.Millisecond), q[asked/2].Round(time.Millisecond), q[asked-1].Round(time.Millisecond)))
				}
				text := fmt.Sprintf("%q\n%s", user, strings.Join(lines, "\n"))
				if theirs, ours := busy[0][user][asked/2], busy[1][user][asked/2]; ours > 2*theirs+100*time.Millisecond {
					t.Error(text)
				} else {
					t.Log(text)
				}
			}
		})
	}
}
