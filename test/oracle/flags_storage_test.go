package oracle

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// told is a server that was started with a flag, and what is around it.
type told struct {
	*process
	program program
	cluster *peer.Cluster
	// door is between the server and its store.
	door *faulty
	// second is another store, for those who ask for one.
	second string
	dir    string
	began  time.Time
}

// effect is one row: flags, and a question whose answer they change.
type effect struct {
	name  string
	flags []string
	// probe asks. What it tells must be the same of both servers.
	probe func(ctx context.Context, s *told) (string, error)
	// idle tells why the answer is the same without the flags, at upstream as well.
	idle string
	// lacks are lines of upstream's answer that ours has not, as is known and told in docs/flags.md.
	lacks *regexp.Regexp
	// alone starts the servers without the flags for this row only, as the probe leaves things behind or asks about the start.
	alone bool
}

const (
	mapPath   = namespaced + "configmaps"
	mapBody   = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q},"data":{"a":"b"}}`
	eventBody = `{"apiVersion":"v1","kind":"Event","metadata":{"name":%q,"namespace":"default"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"r","type":"Normal"}`
)

// do sends a request whose answer must be good.
func (s *told) do(ctx context.Context, method, path, body string) (answer, error) {
	req := request{method: method, path: path}
	if body != "" {
		req.body = []byte(body)
	}
	a, err := s.send(ctx, req)
	if err == nil && a.code >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, a.code, a.body)
	}
	return a, err
}

// stored is a value in a store.
type stored struct{ Key, Value string }

// keysUnder asks a store for the keys under a prefix.
func keysUnder(ctx context.Context, store, prefix string) ([]stored, error) {
	var out struct{ Kvs []stored }
	end := []byte(prefix)
	end[len(end)-1]++
	in := map[string]string{"key": base64.StdEncoding.EncodeToString([]byte(prefix)), "range_end": base64.StdEncoding.EncodeToString(end)}
	if err := ask(ctx, store+"/v3/kv/range", in, &out); err != nil {
		return nil, err
	}
	for i, kv := range out.Kvs {
		for _, field := range []*string{&out.Kvs[i].Key, &out.Kvs[i].Value} {
			raw, err := base64.StdEncoding.DecodeString(*field)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", kv.Key, err)
			}
			*field = string(raw)
		}
	}
	return out.Kvs, nil
}

// folders tells under which folders a store has keys.
func folders(ctx context.Context, store, prefix string, depth int) (string, error) {
	kvs, err := keysUnder(ctx, store, prefix)
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, kv := range kvs {
		parts := strings.Split(kv.Key, "/")
		seen[strings.Join(parts[:min(len(parts), depth+1)], "/")] = true
	}
	return strings.Join(sortedKeys(seen), " "), nil
}

// foldersInEnd tells the folders of a store once the server has published its endpoints, which comes after it is ready.
func foldersInEnd(ctx context.Context, s *told, depth int) (string, error) {
	var out string
	err := s.until(ctx, 20*time.Second, func() (bool, error) {
		var err error
		out, err = folders(ctx, s.etcd, "/", depth)
		return strings.Contains(out, "/masterleases") && strings.Contains(out, "/endpointslices") && strings.Contains(out, "/peerserverleases"), err
	})
	return out, nilIfVain(err)
}

// mediaTypes tells in which form objects of several kinds are stored.
func mediaTypes(ctx context.Context, s *told) (string, error) {
	const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	for _, o := range []struct{ path, body string }{
		{mapPath, fmt.Sprintf(mapBody, "form")},
		{"/apis/coordination.k8s.io/v1/namespaces/default/leases", `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"form"}}`},
		{definitions, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"forms.f.example.org"},"spec":{"group":"f.example.org","scope":"Cluster","names":{"plural":"forms","kind":"Form"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`},
	} {
		if _, err := s.do(ctx, "POST", o.path, o.body); err != nil {
			return "", err
		}
	}
	const custom = "/apis/f.example.org/v1/forms"
	if err := s.until(ctx, 20*time.Second, func() (bool, error) {
		a, err := s.send(ctx, request{method: "POST", path: custom, body: []byte(`{"apiVersion":"f.example.org/v1","kind":"Form","metadata":{"name":"form"}}`)})
		return err == nil && a.code == http.StatusCreated, nil
	}); err != nil {
		return "", err
	}
	var out []string
	for _, key := range []string{"configmaps/default/form", "leases/default/form", "apiextensions.k8s.io/customresourcedefinitions/forms.f.example.org",
		"apiregistration.k8s.io/apiservices/v1.apps", "f.example.org/forms/form", "namespaces/default", "services/specs/default/kubernetes"} {
		kvs, err := keysUnder(ctx, s.etcd, "/registry/"+key)
		if err != nil {
			return "", err
		}
		form := "nothing"
		if len(kvs) > 0 {
			v := kvs[0].Value
			form = strings.ToValidUTF8(v[:min(len(v), 4)], "?")
		}
		out = append(out, fmt.Sprintf("%s %q", key, form))
	}
	return strings.Join(out, "\n"), nil
}

// fromCache tells whether lists of resources come from the watch cache: a list that may be old has no pages then.
func fromCache(resources ...string) func(context.Context, *told) (string, error) {
	return func(ctx context.Context, s *told) (string, error) {
		var out []string
		for _, r := range resources {
			path := namespaced + r
			if strings.HasPrefix(r, "/") {
				path = r
			}
			a, err := s.do(ctx, "GET", path+"?limit=1&resourceVersion=0", "")
			if err != nil {
				return "", err
			}
			meta, _ := a.value["metadata"].(map[string]any)
			items, _ := a.value["items"].([]any)
			next, _ := meta["continue"].(string)
			out = append(out, fmt.Sprintf("%s %d items more %v remaining %v", r, len(items), next != "", meta["remainingItemCount"]))
		}
		return strings.Join(out, "\n"), nil
	}
}

// metric tells the samples of a metric, with values where asked for.
func metric(ctx context.Context, s *told, pattern string, values bool) (string, error) {
	a, err := s.send(ctx, request{method: "GET", path: "/metrics", accept: "text/plain"})
	if err != nil {
		return "", err
	}
	match := regexp.MustCompile("^" + pattern)
	var out []string
	for _, line := range strings.Split(string(a.body), "\n") {
		if !match.MatchString(line) {
			continue
		}
		if i := strings.LastIndex(line, " "); !values && i > 0 {
			line = line[:i]
		}
		out = append(out, line)
	}
	sort.Strings(out)
	return strings.Join(slices.Compact(out), "\n"), nil
}

func metricProbe(pattern string, values bool) func(context.Context, *told) (string, error) {
	return func(ctx context.Context, s *told) (string, error) { return metric(ctx, s, pattern, values) }
}

// answerProbe tells code and body of a request.
func answerProbe(path string, drop ...string) func(context.Context, *told) (string, error) {
	return func(ctx context.Context, s *told) (string, error) {
		a, err := s.send(ctx, request{method: "GET", path: path})
		if err != nil {
			return "", err
		}
		body := string(a.body)
		for _, d := range drop {
			body = regexp.MustCompile(d).ReplaceAllString(body, "")
		}
		return fmt.Sprintf("%d %s", a.code, body), nil
	}
}

// storageEffects are the rows of the storage flags.
var storageEffects = []effect{
	{name: "etcd-prefix", flags: []string{"--etcd-prefix=/other"}, probe: func(ctx context.Context, s *told) (string, error) {
		return foldersInEnd(ctx, s, 2)
	}},
	{name: "etcd-prefix without a slash", flags: []string{"--etcd-prefix=other"}, probe: func(ctx context.Context, s *told) (string, error) {
		return foldersInEnd(ctx, s, 2)
	}},
	{name: "etcd-prefix empty", flags: []string{"--etcd-prefix="}, probe: func(ctx context.Context, s *told) (string, error) {
		return foldersInEnd(ctx, s, 1)
	}},
	{name: "etcd-servers-overrides", flags: []string{"--etcd-servers-overrides=/events#{{second}},coordination.k8s.io/leases#{{second}},apiextensions.k8s.io/customresourcedefinitions#{{second}}"}, probe: func(ctx context.Context, s *told) (string, error) {
		_, err := s.send(ctx, request{method: "POST", path: namespaced + "events", body: fmt.Appendf(nil, eventBody, "there")})
		if err != nil {
			return "", err
		}
		if _, err := s.send(ctx, request{method: "POST", path: "/apis/coordination.k8s.io/v1/namespaces/default/leases", body: []byte(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"there"}}`)}); err != nil {
			return "", err
		}
		a, err := foldersInEnd(ctx, s, 2)
		if err != nil {
			return "", err
		}
		b := "none"
		if s.second != "" {
			if b, err = folders(ctx, s.second, "/registry/", 2); err != nil {
				return "", err
			}
		}
		ready, err := answerProbe("/readyz?verbose", `(?m)^\[\+\]poststarthook.*\n`)(ctx, s)
		return "first: " + a + "\nsecond: " + b + "\n" + ready, err
	}},
	{name: "storage-media-type json", flags: []string{"--storage-media-type=application/json"}, probe: mediaTypes},
	{name: "storage-media-type yaml", flags: []string{"--storage-media-type=application/yaml"}, probe: mediaTypes, alone: true},
	{name: "storage-backend", flags: []string{"--storage-backend=etcd3"}, probe: answerProbe("/healthz/etcd"), idle: "there is one back-end only"},
	{name: "watch-cache", flags: []string{"--watch-cache=false"}, probe: fromCache("secrets", "serviceaccounts", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/scheduling.k8s.io/v1/priorityclasses")},
	{name: "watch-cache-sizes", flags: []string{"--watch-cache-sizes=priorityclasses.scheduling.k8s.io#0,clusterroles.rbac.authorization.k8s.io#10,apiservices.apiregistration.k8s.io#0"}, probe: fromCache("/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/scheduling.k8s.io/v1/priorityclasses")},
	{name: "default-watch-cache-size", flags: []string{"--default-watch-cache-size=0"}, probe: fromCache("/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/scheduling.k8s.io/v1/priorityclasses"), idle: "caches are sized automatically"},
	{name: "delete-collection-workers", flags: []string{"--delete-collection-workers=10"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		for i := range 20 {
			if _, err := s.do(ctx, "POST", mapPath, fmt.Sprintf(mapBody, fmt.Sprint("many-", i))); err != nil {
				return "", err
			}
		}
		s.door.set(&fault{method: "KV/Txn", delay: 100 * time.Millisecond})
		defer s.door.set(nil)
		start := time.Now()
		if _, err := s.do(ctx, "DELETE", mapPath+"?fieldSelector=metadata.name!%3Dkube-root-ca.crt", ""); err != nil {
			return "", err
		}
		return fmt.Sprintf("at once: %v", time.Since(start) < 1200*time.Millisecond), nil
	}},
	{name: "etcd-compaction-interval", flags: []string{"--etcd-compaction-interval=1s"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		a, err := s.do(ctx, "POST", mapPath, fmt.Sprintf(mapBody, "old"))
		if err != nil {
			return "", err
		}
		meta := a.value["metadata"].(map[string]any)
		path := fmt.Sprintf("%s?resourceVersion=%v&resourceVersionMatch=Exact", mapPath, meta["resourceVersion"])
		if _, err := s.do(ctx, "POST", mapPath, fmt.Sprintf(mapBody, "older")); err != nil {
			return "", err
		}
		code := 0
		err = s.until(ctx, 25*time.Second, func() (bool, error) {
			// Not at every turn: the server remembers a revision that it was asked for.
			time.Sleep(500 * time.Millisecond)
			a, err := s.send(ctx, request{method: "GET", path: path + "&limit=500"})
			code = a.code
			return code == http.StatusGone, err
		})
		return fmt.Sprintf("compacted calls %v, old list %d", s.door.calls("KV/Compact") > 0, code), nilIfVain(err)
	}},
	{name: "etcd-compaction-interval zero", flags: []string{"--etcd-compaction-interval=0"}, alone: true, idle: "the first interval takes five minutes", probe: func(ctx context.Context, s *told) (string, error) {
		return fmt.Sprint("compactions: ", s.door.calls("KV/Compact")), nil
	}},
	{name: "etcd-count-metric-poll-period", flags: []string{"--etcd-count-metric-poll-period=1s"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		for i := range 5 {
			if _, err := s.do(ctx, "POST", namespaced+"limitranges", fmt.Sprintf(`{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"counted-%d"},"spec":{"limits":[]}}`, i)); err != nil {
				return "", err
			}
		}
		last := ""
		err := s.until(ctx, 30*time.Second, func() (bool, error) {
			var err error
			last, err = metric(ctx, s, `apiserver_(storage_objects|resource_objects){[^}]*limitranges`, true)
			return strings.Contains(last, " 5"), err
		})
		return last, nilIfVain(err)
	}},
	// Ours has a store of its own for events.k8s.io, which counts the same events again.
	{name: "etcd-count-metric-poll-period zero", flags: []string{"--etcd-count-metric-poll-period=0"}, probe: metricProbe(`apiserver_(storage_objects|resource_objects|resource_size_estimate_bytes){[^e]*(resource="([^e]|e[^v])|group="([^e]|e[^v]))`, false)},
	{name: "etcd-db-metric-poll-interval", flags: []string{"--etcd-db-metric-poll-interval=1s"}, probe: metricProbe(`\S*(db_total_size|storage_size_bytes)`, false), idle: "its metric has been hidden since 1.29"},
	{name: "etcd-db-metric-poll-interval zero, hidden shown", flags: []string{"--etcd-db-metric-poll-interval=0", "--show-hidden-metrics-for-version=1.35"}, probe: metricProbe(`\S*(db_total_size|storage_size_bytes)`, false), idle: "its metric has been hidden since 1.29"},
	{name: "etcd-healthcheck-timeout", flags: []string{"--etcd-healthcheck-timeout=300ms"}, probe: slowHealth("/healthz?verbose", "/livez?verbose")},
	{name: "etcd-readycheck-timeout", flags: []string{"--etcd-readycheck-timeout=300ms"}, probe: slowHealth("/readyz?verbose")},
	{name: "event-ttl", flags: []string{"--event-ttl=2s"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		if _, err := s.do(ctx, "POST", namespaced+"events", fmt.Sprintf(eventBody, "short")); err != nil {
			return "", err
		}
		code := 0
		err := s.until(ctx, 15*time.Second, func() (bool, error) {
			a, err := s.send(ctx, request{method: "GET", path: namespaced + "events/short"})
			code = a.code
			return code == http.StatusNotFound, err
		})
		return fmt.Sprint(code), nilIfVain(err)
	}},
	{name: "enable-garbage-collector", flags: []string{"--enable-garbage-collector=false"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		if _, err := s.do(ctx, "POST", mapPath, fmt.Sprintf(mapBody, "orphaned")); err != nil {
			return "", err
		}
		a, err := s.send(ctx, request{method: "DELETE", path: mapPath + "/orphaned?propagationPolicy=Orphan"})
		if err != nil {
			return "", err
		}
		b, err := s.send(ctx, request{method: "GET", path: mapPath + "/orphaned"})
		meta, _ := b.value["metadata"].(map[string]any)
		return fmt.Sprintf("%d, then %d with finalizers %v", a.code, b.code, meta["finalizers"]), err
	}},
	{name: "storage-initialization-timeout", flags: []string{"--storage-initialization-timeout=2s"}, alone: true, idle: "what waits is the hook storage-readiness", probe: metricProbe(`apiserver_storage_list_total{.*pods`, false)},
}

// nilIfVain makes waiting in vain an answer.
func nilIfVain(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "waited in vain") {
		return nil
	}
	return err
}

// slowHealth asks for health while the store takes a second to answer the checks.
func slowHealth(paths ...string) func(context.Context, *told) (string, error) {
	return func(ctx context.Context, s *told) (string, error) {
		s.door.set(&fault{method: "KV/Range", holding: "/health", delay: time.Second})
		defer s.door.set(nil)
		var out []string
		for _, path := range paths {
			time.Sleep(1500 * time.Millisecond) // checks have a limit of one in half their timeout
			a, err := s.send(ctx, request{method: "GET", path: path})
			if err != nil {
				return "", err
			}
			failing := ""
			for _, line := range strings.Split(string(a.body), "\n") {
				if strings.HasPrefix(line, "[-]") {
					failing += line
				}
			}
			out = append(out, fmt.Sprintf("%s %d %s", path, a.code, failing))
		}
		return strings.Join(out, "\n"), nil
	}
}

func TestStorageFlagEffects(t *testing.T) { compareEffects(t, storageEffects) }

// compareEffects starts both servers with each row's flags, and asks them and those without.
func compareEffects(t *testing.T, rows []effect) {
	both := programs(t)
	plain := map[string]*told{}
	without := func(t *testing.T, b program, row effect) *told {
		if row.alone {
			return startTold(t, b)
		}
		if plain[b.name] == nil {
			plain[b.name] = startTold(plainTest(t), b)
		}
		return plain[b.name]
	}
	outer = t
	for _, row := range rows {
		if pick := os.Getenv("ORACLE_FLAG"); pick != "" && !strings.Contains(row.name, pick) {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			said := map[string][2]string{}
			for _, b := range both {
				var answers [2]string
				for i, s := range []*told{without(t, b, row), startTold(t, b, row.flags...)} {
					var err error
					if answers[i], err = row.probe(t.Context(), s); err != nil {
						t.Fatalf("%s: %v", b.name, err)
					}
				}
				said[b.name] = answers
			}
			theirs, ours := said["theirs"], said["ours"]
			if row.lacks != nil {
				theirs[1] = strings.TrimPrefix(row.lacks.ReplaceAllString("\n"+theirs[1], ""), "\n")
			}
			if theirs[1] != ours[1] {
				t.Errorf("with the flag: - theirs, + ours\n%s", lineDiff(theirs[1], ours[1]))
			}
			if theirs[0] != ours[0] {
				t.Errorf("without the flag: - theirs, + ours\n%s", lineDiff(theirs[0], ours[0]))
			}
			switch same := said["theirs"][0] == said["theirs"][1]; {
			case same && row.idle == "":
				t.Errorf("the flag shows no effect: %s", theirs[0])
			case !same && row.idle != "":
				t.Errorf("the flag should have no effect (%s): %s", row.idle, lineDiff(theirs[0], theirs[1]))
			}
			if !t.Failed() {
				t.Logf("without %s\nwith    %s", clip(ours[0]), clip(ours[1]))
			}
		})
	}
}

// outer is the test whose end ends the servers without flags.
var outer *testing.T

func plainTest(*testing.T) *testing.T { return outer }

func clip(s string) string { return s[:min(len(s), 800)] }

// lineDiff is what only one of two texts has.
func lineDiff(a, b string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	for _, l := range la {
		if !slices.Contains(lb, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range lb {
		if !slices.Contains(la, l) {
			out = append(out, "+ "+l)
		}
	}
	text := strings.Join(out, "\n")
	return text[:min(len(text), 4000)]
}

// startTold starts a server with flags, in which {{dir}}, {{pki}} and {{second}} are filled in, behind a door to its store.
func startTold(t *testing.T, b program, flags ...string) *told {
	t.Helper()
	c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	s := &told{program: b, cluster: c, door: newFaulty(t, c.Etcd()), dir: filepath.Join(t.TempDir(), "own"), began: time.Now()}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"--etcd-servers=" + s.door.url(), "--disable-admission-plugins=" + disabled}, flags...)
	if text := strings.Join(all, " "); strings.Contains(text, "{{second}}") {
		s.second = peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true}).Etcd()
	}
	fill := strings.NewReplacer("{{dir}}", s.dir, "{{pki}}", c.PKIDir(), "{{second}}", s.second)
	for i := range all {
		all[i] = fill.Replace(all[i])
	}
	s.process = launch(t, b, c, all...)
	return s
}
