package oracle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
  resources: [{group: "", resources: [secrets, serviceaccounts/token]}]
- level: Request
  omitStages: [RequestReceived]
  omitManagedFields: true
  resources: [{group: "", resources: [pods]}]
- level: None
  nonResourceURLs: ["/readyz*"]
- level: RequestResponse
`

// TestAudit compares what both servers write down about the requests of many stories.
func TestAudit(t *testing.T) {
	if testing.Short() || !wanted(&resource{kind: "Audit"}) {
		t.Skip("tells most stories a second time")
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, "--audit-policy-file="+policy, "--audit-log-path={{dir}}/audit.log", "--audit-log-mode=blocking")
	r.numbered = true
	names := map[string]string{}
	for _, s := range []story{podSubresources(), evictions(), tokens(), collections(), versions(), customResources(), rights(), watches(), lists(), negotiation(), requests(), dryRuns(), conversions(), webhooks(), validatingPolicies(), mutatingPolicies(), quotas(), podSecurity(), nodeRestriction(), impersonation(), streams(), aggregation(), entrances()} {
		before := r.number
		if err := r.tell(context.Background(), s); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		for n := before + 1; n <= r.number; n++ {
			names[auditID(n)] = s.name
		}
	}
	// The answers are compared elsewhere.
	r.score = &score{known: r.score.known, kinds: map[string]*tally{}}
	theirs, ours := audited(t, r.theirs.dir), audited(t, r.ours.dir)
	if len(theirs) < r.number/2 {
		t.Fatalf("%d events of %d requests", len(theirs), r.number)
	}
	all := maps.Clone(theirs)
	maps.Copy(all, ours)
	for _, key := range sortedKeys(all) {
		id, stage, _ := strings.Cut(key, " ")
		e := all[key]
		r.score.add("Audit", fmt.Sprintf("%s: %s of %v %v", names[id], stage, e["verb"], e["requestURI"]), compare(answer{value: theirs[key]}, answer{value: ours[key]}))
	}
	r.conclude(t)
}

// audited reads the events of numbered requests, by number and stage.
func audited(t *testing.T, dir string) map[string]map[string]any {
	data, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var e map[string]any
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		id := fmt.Sprint(e["auditID"])
		if !strings.HasPrefix(id, auditLead) {
			continue
		}
		if notes, ok := e["annotations"].(map[string]any); ok {
			for key := range notes {
				// How long it took; and which of several bindings allowed it, as the order of bindings is chance.
				if strings.HasPrefix(key, "apiserver.latency.k8s.io/") || key == "authorization.k8s.io/reason" {
					delete(notes, key)
				}
			}
			if len(notes) == 0 {
				delete(e, "annotations")
			}
		}
		if user, ok := e["user"].(map[string]any); ok {
			delete(user, "extra") // the credential's own name
		}
		e["requestURI"] = ownVersion.ReplaceAllString(fmt.Sprint(e["requestURI"]), "$1=OWN")
		withoutTexts(e["responseStatus"])
		withoutTexts(e["responseObject"])
		out[id+" "+fmt.Sprint(e["stage"])] = e
	}
	return out
}

// ownVersion is a version or a place in a list of one server.
var ownVersion = regexp.MustCompile(`(resourceVersion|continue)=[^&]{2,}`)

// withoutTexts takes what people read out of a refusal: the answers are compared for it elsewhere.
func withoutTexts(v any) {
	status, _ := v.(map[string]any)
	details, _ := status["details"].(map[string]any)
	if status["status"] != "Failure" {
		return
	}
	delete(status, "message")
	causes, _ := details["causes"].([]any)
	for _, c := range causes {
		if c, ok := c.(map[string]any); ok {
			delete(c, "message")
		}
	}
}
