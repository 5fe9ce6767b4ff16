package apiserver

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: "", resources: [secrets]}]
- level: RequestResponse
  verbs: [create]
  resources: [{group: "", resources: [configmaps]}]
- level: None
`

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".next", file); err != nil {
		t.Fatal(err)
	}
	return file
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return ok(), nil })
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// events are the audit events of a log file.
func events(t *testing.T, file string) []auditv1.Event {
	t.Helper()
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []auditv1.Event
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return out
		}
		var e auditv1.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, e)
	}
}

func find(all []auditv1.Event, resource, verb, name string) *auditv1.Event {
	i := slices.IndexFunc(all, func(e auditv1.Event) bool {
		return e.ObjectRef != nil && e.ObjectRef.Resource == resource && e.Verb == verb && e.ObjectRef.Name == name
	})
	if i < 0 {
		return nil
	}
	return &all[i]
}

// sink is a webhook that takes audit events.
type sink struct {
	*httptest.Server
	mu      sync.Mutex
	batches []auditv1.EventList
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var l auditv1.EventList
		if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.batches = append(s.batches, l)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) events() []auditv1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []auditv1.Event
	for _, b := range s.batches {
		out = append(out, b.Items...)
	}
	return out
}

func kubeconfig(t *testing.T, s *httptest.Server) string {
	t.Helper()
	ca, err := json.Marshal(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "kubeconfig"), fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a",
"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%s}}],"users":[{"name":"a","user":{}}]}`, s.URL, ca))
}

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	hook := newSink(t)
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Audit.PolicyFile = write(t, filepath.Join(dir, "policy.yaml"), policy)
		c.Audit.LogOptions.Path, c.Audit.LogOptions.MaxSize, c.Audit.LogOptions.MaxBackups = log, 1, 2
		c.Audit.WebhookOptions.ConfigFile = kubeconfig(t, hook.Server)
		c.Audit.WebhookOptions.BatchOptions.BatchConfig.MaxBatchWait = 50 * time.Millisecond
	}})
	ctx := context.Background()
	client := c.Client().CoreV1()
	as := c.As("alice", "system:masters").CoreV1()
	if _, err := as.Secrets("default").Create(ctx, &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"k": "hidden"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := as.ConfigMaps("default").Create(ctx, &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}, Data: map[string]string{"k": "shown"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Nodes().List(ctx, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	for what, read := range map[string]func() []auditv1.Event{"log": func() []auditv1.Event { return events(t, log) }, "webhook": hook.events} {
		t.Run(what, func(t *testing.T) {
			eventually(t, "both events", func() bool {
				return find(read(), "secrets", "create", "s") != nil && find(read(), "configmaps", "create", "m") != nil
			})
			all := read()
			s, m := find(all, "secrets", "create", "s"), find(all, "configmaps", "create", "m")
			if s.Level != auditv1.LevelMetadata || s.RequestObject != nil || s.Stage != auditv1.StageResponseComplete || s.ResponseStatus.Code != 201 {
				t.Errorf("event of the secret: level %s, stage %s, status %v, object %v", s.Level, s.Stage, s.ResponseStatus, s.RequestObject)
			}
			if s.ImpersonatedUser == nil || s.ImpersonatedUser.Username != "alice" {
				t.Errorf("the impersonated user is %v", s.ImpersonatedUser)
			}
			if s.Annotations["authorization.k8s.io/decision"] != "allow" {
				t.Errorf("annotations %v", s.Annotations)
			}
			if m.RequestObject == nil || !strings.Contains(string(m.RequestObject.Raw), "shown") || m.ResponseObject == nil || !strings.Contains(string(m.ResponseObject.Raw), "resourceVersion") {
				t.Errorf("event of the config map: request %v, response %v", m.RequestObject, m.ResponseObject)
			}
			if e := find(all, "nodes", "list", ""); e != nil {
				t.Errorf("the policy leaves out nodes, but there is %v", e)
			}
		})
	}
	t.Run("rotation", func(t *testing.T) {
		big := map[string]string{"k": strings.Repeat("x", 400<<10)}
		for i := range 3 {
			if _, err := as.ConfigMaps("default").Create(ctx, &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("big-", i)}, Data: big}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "a second file", func() bool {
			files, err := filepath.Glob(filepath.Join(dir, "audit-*.log"))
			return err == nil && len(files) > 0
		})
	})
}

// TestAuditLegacyBatched: the old line format, written in batches.
func TestAuditLegacyBatched(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Audit.PolicyFile = write(t, filepath.Join(dir, "policy.yaml"), policy)
		o := &c.Audit.LogOptions
		o.Path, o.Format, o.BatchOptions.Mode = log, "legacy", "batch"
		o.BatchOptions.BatchConfig.MaxBatchSize, o.BatchOptions.BatchConfig.MaxBatchWait = 10, 50*time.Millisecond
	}})
	if _, err := c.As("bob", "system:masters").CoreV1().Secrets("default").List(context.Background(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the line", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), `method="list"`) && strings.Contains(string(text), `as="bob"`)
	})
}
