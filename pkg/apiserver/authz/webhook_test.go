package authz

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/component-base/metrics/legacyregistry"
)

// reviewer is a webhook that answers as its function says.
type reviewer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []authorizationv1.SubjectAccessReviewSpec
}

func newReviewer(t *testing.T, decide func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, int)) *reviewer {
	t.Helper()
	r := &reviewer{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var review authorizationv1.SubjectAccessReview
		if err := json.NewDecoder(req.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.asked = append(r.asked, review.Spec)
		r.mu.Unlock()
		var code int
		if review.Status, code = decide(review.Spec); code != http.StatusOK {
			http.Error(w, "out of order", code)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *reviewer) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

// kubeconfig writes one that reaches the webhook.
func (r *reviewer) kubeconfig(t *testing.T) string {
	t.Helper()
	ca, err := json.Marshal(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],
"clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%s}}],"users":[{"name":"a","user":{}}]}`, r.URL, ca)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func always(s authorizationv1.SubjectAccessReviewStatus) func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, int) {
	return func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, int) {
		return s, http.StatusOK
	}
}

func broken(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, int) {
	return authorizationv1.SubjectAccessReviewStatus{}, http.StatusBadRequest
}

func webhookEntry(t *testing.T, r *reviewer, name, policy, more string) string {
	return fmt.Sprintf(`- type: Webhook
  name: %s
  webhook:
    timeout: 3s
    authorizedTTL: 10s
    unauthorizedTTL: 10s
    subjectAccessReviewVersion: v1
    failurePolicy: %s
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: %s}
%s`, name, policy, r.kubeconfig(t), more)
}

const configHead = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n"

func build(t *testing.T, c Config) (*Result, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return New(ctx, c, Dependencies{Informers: informers.NewSharedInformerFactory(fake.NewClientset(), 0), ServerID: "test"})
}

func structuredChain(t *testing.T, authorizers string) (Config, *Result) {
	t.Helper()
	c := NewConfig()
	c.ConfigFile = filepath.Join(t.TempDir(), "authorization.yaml")
	replaceFile(t, c.ConfigFile, configHead+authorizers)
	r, err := build(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func replaceFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".next", file); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, r *Result, name, namespace string) authorizer.Decision {
	t.Helper()
	d, _, _ := r.Authorizer.Authorize(context.Background(), authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: name}, Verb: "list", Resource: "pods", Namespace: namespace, ResourceRequest: true,
		FieldSelectorRequirements: fields.Requirements{{Operator: "=", Field: "spec.nodeName", Value: "n1"}},
	})
	return d
}

var (
	allow = authorizationv1.SubjectAccessReviewStatus{Allowed: true}
	deny  = authorizationv1.SubjectAccessReviewStatus{Denied: true}
	pass  = authorizationv1.SubjectAccessReviewStatus{}
)

// TestSeveralWebhooks: they are asked in order, each only about what its conditions let through.
func TestSeveralWebhooks(t *testing.T) {
	first, second := newReviewer(t, always(deny)), newReviewer(t, always(allow))
	_, r := structuredChain(t, webhookEntry(t, first, "first", "Deny", `    matchConditionSubjectAccessReviewVersion: v1
    matchConditions:
    - expression: "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'guarded'"
`)+webhookEntry(t, second, "second", "NoOpinion", ""))
	if d := ask(t, r, "alice", "guarded"); d != authorizer.DecisionDeny {
		t.Errorf("in the guarded namespace: %v", d)
	}
	if d := ask(t, r, "alice", "open"); d != authorizer.DecisionAllow {
		t.Errorf("elsewhere: %v", d)
	}
	if first.count() != 1 || second.count() != 1 {
		t.Errorf("asked %d and %d times, want once each", first.count(), second.count())
	}
	// The selector of the request is part of the question (KEP-4601).
	s := second.asked[0].ResourceAttributes.FieldSelector
	if s == nil || len(s.Requirements) != 1 || s.Requirements[0].Key != "spec.nodeName" || s.Requirements[0].Values[0] != "n1" {
		t.Errorf("the webhook was told the field selector %v", s)
	}
	if d := ask(t, r, "alice", "open"); d != authorizer.DecisionAllow || second.count() != 1 {
		t.Errorf("the second time: %v, asked %d times, want from the cache", d, second.count())
	}
	wantMetric(t, `apiserver_authorization_decisions_total`, map[string]string{"type": "Webhook", "name": "first", "decision": "denied"})
	wantMetric(t, `apiserver_authorization_webhook_evaluations_total`, map[string]string{"name": "second", "result": "success"})
	wantMetric(t, `apiserver_authorization_match_condition_exclusions_total`, map[string]string{"name": "first", "type": "Webhook"})
}

func wantMetric(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metric:
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if want, ok := labels[l.GetName()]; ok && want != l.GetValue() {
					continue metric
				}
			}
			return
		}
	}
	t.Errorf("no metric %s%v", name, labels)
}

func TestFailurePolicy(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		want   authorizer.Decision
	}{"Deny": {"Deny", authorizer.DecisionDeny}, "NoOpinion": {"NoOpinion", authorizer.DecisionAllow}} {
		t.Run(name, func(t *testing.T) {
			_, r := structuredChain(t, webhookEntry(t, newReviewer(t, broken), "broken", c.policy, "")+"- {type: AlwaysAllow, name: rest}\n")
			if d := ask(t, r, "alice", "x"); d != c.want {
				t.Errorf("decision %v, want %v", d, c.want)
			}
		})
	}
}

func TestReloadChain(t *testing.T) {
	w := newReviewer(t, always(pass))
	c, r := structuredChain(t, webhookEntry(t, w, "hook", "NoOpinion", "")+"- {type: AlwaysAllow, name: rest}\n")
	if d := ask(t, r, "alice", "x"); d != authorizer.DecisionAllow {
		t.Fatalf("before: %v", d)
	}
	no := newReviewer(t, always(deny))
	replaceFile(t, c.ConfigFile, configHead+webhookEntry(t, no, "hook", "NoOpinion", "")+"- {type: AlwaysAllow, name: rest}\n")
	waitFor(t, func() bool { return ask(t, r, "alice", "x") == authorizer.DecisionDeny })
	// Nobody can be locked out of the whole by a webhook.
	d, _, err := r.Authorizer.Authorize(context.Background(), authorizer.AttributesRecord{User: &user.DefaultInfo{Name: "root", Groups: []string{user.SystemPrivilegedGroup}}})
	if d != authorizer.DecisionAllow || err != nil {
		t.Errorf("a member of system:masters: %v, %v", d, err)
	}
	followed := r.Authorizer.(*reloadable)
	for name, text := range map[string]string{
		"one type less": configHead + webhookEntry(t, no, "hook", "NoOpinion", ""),
		"one type more": configHead + "- {type: AlwaysAllow, name: rest}\n- {type: AlwaysDeny, name: never}\n",
		"no authorizer": strings.Replace(configHead, "authorizers:", "authorizers: []", 1),
		"nonsense":      "x: y",
	} {
		t.Run(name, func(t *testing.T) {
			before := followed.current.Load()
			// A reloadable of its own: the one of the chain has a goroutine that follows the file.
			other := newReloadable(filepath.Join(t.TempDir(), "f"), followed.text, followed.required, followed.builder, before)
			replaceFile(t, other.file, text)
			if changed, err := other.reload(); changed || err == nil || other.current.Load() != before {
				t.Errorf("changed %v, %v", changed, err)
			}
		})
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) { return ok(), nil })
	if err != nil {
		t.Fatal(err)
	}
}

// TestFlagWebhook: mode Webhook of the flags, with the policies of ABAC behind it.
func TestFlagWebhook(t *testing.T) {
	w := newReviewer(t, always(pass))
	c := NewConfig()
	c.Modes, c.WebhookConfigFile, c.WebhookVersion = []string{ModeWebhook, ModeABAC}, w.kubeconfig(t), "v1"
	c.PolicyFile = filepath.Join(t.TempDir(), "policies")
	replaceFile(t, c.PolicyFile, `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"*","resource":"pods"}}`)
	if err := errors.Join(c.Validate()...); err != nil {
		t.Fatal(err)
	}
	r, err := build(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if d := ask(t, r, "alice", "x"); d != authorizer.DecisionAllow || w.count() != 1 {
		t.Errorf("alice: %v, the webhook was asked %d times", d, w.count())
	}
	if d := ask(t, r, "bob", "x"); d != authorizer.DecisionNoOpinion {
		t.Errorf("bob: %v", d)
	}
}

// TestInCluster: InClusterConfig needs the environment of a pod.
func TestInCluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	c := NewConfig()
	c.ConfigFile = filepath.Join(t.TempDir(), "authorization.yaml")
	text := strings.Replace(webhookEntry(t, newReviewer(t, always(pass)), "hook", "Deny", ""), "{type: KubeConfigFile, kubeConfigFile: ", "{type: InClusterConfig} #", 1)
	replaceFile(t, c.ConfigFile, configHead+text)
	if _, err := build(t, c); err == nil || !strings.Contains(err.Error(), "in-cluster configuration") {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"file and modes":      {func(c *Config) { c.ConfigFile, c.Modes = "x", []string{"RBAC"} }, "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined"},
		"file and a webhook":  {func(c *Config) { c.ConfigFile, c.WebhookVersion = "x", "v1" }, "--authorization-config can not be specified when"},
		"ABAC without file":   {func(c *Config) { c.Modes = []string{"ABAC"} }, "authorization-mode ABAC's authorization policy file not passed"},
		"file without ABAC":   {func(c *Config) { c.PolicyFile = "x" }, "cannot specify --authorization-policy-file without mode ABAC"},
		"webhook, no config":  {func(c *Config) { c.Modes = []string{"Webhook"} }, "authorization-mode Webhook's authorization config file not passed"},
		"config, no webhook":  {func(c *Config) { c.WebhookConfigFile = "x" }, "cannot specify --authorization-webhook-config-file without mode Webhook"},
		"mode twice":          {func(c *Config) { c.Modes = []string{"RBAC", "RBAC"} }, `authorization-mode ["RBAC" "RBAC"] has mode specified more than once`},
		"mode of another age": {func(c *Config) { c.Modes = []string{"Foo"} }, `authorization-mode "Foo" is not a valid mode`},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewConfig()
			c.change(&config)
			if err := errors.Join(config.Validate()...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
