package flags

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Only what the probes do is written down.
const (
	auditRule   = "rules: [{level: RequestResponse, namespaces: [audited], resources: [{group: '', resources: [configmaps]}]}, {level: None}]\n"
	auditOnce   = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n" + auditRule
	auditStages = "apiVersion: audit.k8s.io/v1\nkind: Policy\n" + auditRule
)

// logged is a server with an audit log.
func logged(more ...string) settings {
	return settings{args: append([]string{"--audit-policy-file={{dir}}/policy", "--audit-log-path={{dir}}/audit.log"}, more...), files: map[string]string{"policy": auditOnce}}
}

// sent is a server with an audit webhook.
func sent(more ...string) settings {
	return settings{args: append([]string{"--audit-policy-file={{dir}}/policy", "--audit-webhook-config-file={{dir}}/hook"}, more...), files: map[string]string{"policy": auditOnce, "hook": kubeconfig("/audit")}}
}

// do makes configmaps that the policy is about.
func (w *world) do(size int, names ...string) {
	w.post("/api/v1/namespaces", `{"metadata":{"name":"audited"}}`)
	for _, n := range names {
		w.post("/api/v1/namespaces/audited/configmaps", fmt.Sprintf(`{"metadata":{"name":%q},"data":{"k":%q}}`, n, strings.Repeat("x", size)))
	}
}

// events are those of the log.
func (w *world) events() []map[string]any {
	var out []map[string]any
	for _, line := range strings.Split(w.file("{{dir}}/audit.log"), "\n") {
		if e := decode(line); e != nil {
			out = append(out, e)
		}
	}
	return out
}

// received are the events that the hook was sent.
func (w *world) received() []map[string]any {
	var out []map[string]any
	for _, c := range w.hook.seen() {
		items, _ := c.value["items"].([]any)
		for _, i := range items {
			if e, ok := i.(map[string]any); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

// posts counts what the hook was sent, call by call.
func (w *world) posts() string {
	var out []string
	for _, c := range w.hook.seen() {
		items, _ := c.value["items"].([]any)
		out = append(out, fmt.Sprint(c.path, c.value["kind"], c.value["apiVersion"], len(items)))
	}
	return strings.Join(out, " ")
}

// about is what an event says that is not the server's own.
func about(e map[string]any) string {
	_, request := e["requestObject"]
	_, response := e["responseObject"]
	text, _ := json.Marshal([]any{e["apiVersion"], e["level"], e["stage"], e["verb"], e["requestURI"], dig(e, "objectRef", "name"), dig(e, "responseStatus", "code"), dig(e, "annotations", "audit.k8s.io/truncated"), request, response})
	return string(text)
}

func allAbout(events []map[string]any) string {
	var out []string
	for _, e := range events {
		out = append(out, about(e))
	}
	return strings.Join(out, " ")
}

// counted waits until there are n events, or as long as it may take, and tells how many there are.
func counted(w *world, events func() []map[string]any, n int, limit time.Duration) string {
	return w.until(limit, func() (string, bool) { got := len(events()); return fmt.Sprint(got), got >= n })
}

// batched waits for n events or as long as they may take, and tells how many there were at once and how many there are.
func batched(w *world, n int, limit time.Duration) string {
	first := len(w.events())
	return fmt.Sprint(first, " at once, ", counted(w, w.events, n, limit), " later")
}

// dropped tells whether events have been lost, and whether the log says so, once that is so or for as long as it may take.
func dropped(w *world) string {
	return w.until(3*time.Second, func() (string, bool) {
		counted, told := w.metric(`apiserver_audit_error_total{plugin="buffered"}`) != "", strings.Contains(w.output(), "audit buffer queue blocked")
		return fmt.Sprint("dropped: ", counted, told), counted && told
	})
}

var (
	stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`)
	uuid  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

// rotated are the files beside the log.
func (w *world) rotated() (files []string) {
	all, _ := filepath.Glob(filepath.Join(w.dir, "audit-*"))
	return all
}

// turn writes more than two megabytes and looks at the files until there are enough.
func (w *world) turn(enough func([]string) bool) []string {
	w.do(300_000, "big-1", "big-2", "big-3", "big-4", "big-5", "big-6", "big-7", "big-8", "big-9")
	var files []string
	w.until(10*time.Second, func() (string, bool) { files = w.rotated(); return "", enough(files) })
	return files
}

// aged is a file that was rotated three days ago.
func aged(w *world) {
	w.write(w.t, "audit-"+time.Now().Add(-72*time.Hour).UTC().Format("2006-01-02T15-04-05.000")+".log", "old\n")
}

func isAged(f string) bool {
	data, _ := os.ReadFile(f)
	return string(data) == "old\n"
}

func failing(code int, times int) func(h *hook, c call) (int, any) {
	return func(h *hook, _ call) (int, any) {
		if len(h.seen()) <= times {
			return code, map[string]any{}
		}
		return 200, map[string]any{}
	}
}

var auditEffects = []effect{
	{
		name: "audit log", settings: logged(),
		probes: []probe{{flag: "audit-log-path, audit-policy-file", see: func(w *world) string {
			w.do(10, "a-1")
			w.ask(request{path: "/api/v1/namespaces/audited/configmaps/none"})
			w.get("/api/v1/namespaces/audited/secrets")
			return counted(w, w.events, 2, 2*time.Second) + allAbout(w.events())
		}}},
	},
	{
		name: "audit log to the output", settings: settings{args: []string{"--audit-policy-file={{dir}}/policy", "--audit-log-path=-"}, files: map[string]string{"policy": auditOnce}},
		probes: []probe{{flag: "audit-log-path, -", see: func(w *world) string {
			w.do(10, "a-1")
			return w.until(2*time.Second, func() (string, bool) {
				for _, line := range strings.Split(w.file("{{dir}}/out"), "\n") {
					if e := decode(line); e["kind"] == "Event" {
						return about(e), true
					}
				}
				return "nothing", false
			})
		}}},
	},
	{
		name: "audit log of the old form", settings: logged("--audit-log-format=legacy"), against: logged().args,
		probes: []probe{{flag: "audit-log-format", see: func(w *world) string {
			w.do(10, "a-1")
			return w.until(2*time.Second, func() (string, bool) {
				text := w.file("{{dir}}/audit.log")
				return uuid.ReplaceAllString(stamp.ReplaceAllString(strings.ReplaceAll(text, w.host, "HOST"), "TIME"), "ID"), len(text) > 10
			})[:60]
		}}},
	},
	{
		name: "audit log of a version", settings: logged("--audit-log-version=audit.k8s.io/v1"),
		probes: []probe{{flag: "audit-log-version", see: func(w *world) string {
			w.do(10, "a-1")
			return counted(w, w.events, 1, 2*time.Second) + allAbout(w.events())
		}}},
	},
	{
		name: "audit log in batches", settings: logged("--audit-log-mode=batch", "--audit-log-batch-max-size=3", "--audit-log-batch-max-wait=2s"), against: logged().args,
		probes: []probe{
			{flag: "audit-log-mode, audit-log-batch-max-wait", see: func(w *world) string { w.do(10, "b-1"); return batched(w, 1, patience) }},
		},
	},
	{
		name: "audit log in large batches", settings: logged("--audit-log-mode=batch", "--audit-log-batch-max-size=3", "--audit-log-batch-max-wait=1h"), against: logged("--audit-log-mode=batch", "--audit-log-batch-max-wait=1h").args,
		probes: []probe{{flag: "audit-log-batch-max-size", see: func(w *world) string {
			w.do(10, "b-1", "b-2")
			two := w.steady(2, func() int { return len(w.events()) })
			w.do(10, "b-3")
			return fmt.Sprint(two, " of two, ", counted(w, w.events, 3, patience), " of three")
		}}},
	},
	{
		name:     "audit log slowed down",
		settings: logged("--audit-log-mode=batch", "--audit-log-batch-max-size=1", "--audit-log-batch-buffer-size=2", "--audit-log-batch-throttle-enable", "--audit-log-batch-throttle-qps=0.05", "--audit-log-batch-throttle-burst=2"),
		against:  logged("--audit-log-mode=batch").args,
		probes: []probe{
			{flag: "audit-log-batch-throttle-enable, audit-log-batch-throttle-qps, audit-log-batch-throttle-burst", see: func(w *world) string {
				w.do(10, "s-1", "s-2", "s-3", "s-4")
				return fmt.Sprint(w.steady(2, func() int { return len(w.events()) }), " of four")
			}},
			{flag: "audit-log-batch-buffer-size", see: func(w *world) string {
				w.do(10, "s-5", "s-6", "s-7", "s-8", "s-9")
				return dropped(w)
			}},
		},
	},
	{
		name: "audit log of short events", settings: logged("--audit-log-truncate-enabled", "--audit-log-truncate-max-event-size=3000", "--audit-log-truncate-max-batch-size=5000"), against: logged().args,
		probes: []probe{{flag: "audit-log-truncate-enabled, audit-log-truncate-max-event-size", see: func(w *world) string {
			w.do(10_000, "t-1")
			w.do(10, "t-2")
			return counted(w, w.events, 2, 2*time.Second) + allAbout(w.events())
		}}},
	},
	{
		name: "audit log rotated", settings: logged("--audit-log-maxsize=1", "--audit-log-maxbackup=2", "--audit-log-compress", "--audit-log-maxage=1"), against: logged("--audit-log-maxsize=1").args, before: aged,
		probes: []probe{
			{flag: "audit-log-maxbackup, audit-log-compress", see: func(w *world) string {
				files := w.turn(func(files []string) bool {
					return len(files) == 2 && !slices.ContainsFunc(files, func(f string) bool { return !strings.HasSuffix(f, ".gz") })
				})
				whole := 0
				for _, f := range files {
					data, _ := os.ReadFile(f)
					if z, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
						if n, err := io.Copy(io.Discard, z); err == nil && n > 300_000 {
							whole++
						}
					}
				}
				return fmt.Sprint(len(files) == 2, " compressed ", whole)
			}},
			{flag: "audit-log-maxage", see: func(w *world) string {
				return fmt.Sprint("the old one is there: ", slices.ContainsFunc(w.rotated(), isAged))
			}},
		},
	},
	{
		name: "audit log of little age", settings: logged("--audit-log-maxsize=1", "--audit-log-maxage=1"), against: logged("--audit-log-maxage=1").args, before: aged,
		probes: []probe{{flag: "audit-log-maxsize, audit-log-maxage", see: func(w *world) string {
			files := w.turn(func(files []string) bool { return len(files) > 1 && !slices.ContainsFunc(files, isAged) })
			return fmt.Sprint("rotated: ", len(files) > 1, "; the old one is there: ", slices.ContainsFunc(files, isAged))
		}}},
	},
	{
		name: "audit webhook", settings: sent("--audit-webhook-batch-max-size=3", "--audit-webhook-batch-max-wait=2m", "--audit-webhook-version=audit.k8s.io/v1"),
		probes: []probe{{flag: "audit-webhook-config-file, audit-webhook-version", see: func(w *world) string {
			w.do(10, "w-1", "w-2", "w-3")
			return counted(w, w.received, 3, 10*time.Second) + w.posts() + allAbout(w.received()) + fmt.Sprint(len(w.hook.seen()) > 0 && w.hook.seen()[0].header.Get("Authorization") == "Bearer hook-token")
		}}},
	},
	{
		name: "audit webhook in batches", settings: sent("--audit-webhook-batch-max-size=2", "--audit-webhook-batch-max-wait=3s"), against: sent().args,
		probes: []probe{
			{flag: "audit-webhook-batch-max-size", see: func(w *world) string {
				w.do(10, "w-1", "w-2", "w-3")
				counted(w, w.received, 2, 5*time.Second)
				first, _, _ := strings.Cut(w.posts(), " ")
				return first
			}},
			{flag: "audit-webhook-batch-max-wait", see: func(w *world) string { return counted(w, w.received, 3, 10*time.Second) + w.posts() }},
		},
	},
	{
		name: "audit webhook that waits", settings: sent("--audit-webhook-mode=blocking"), against: sent().args,
		probes: []probe{{flag: "audit-webhook-mode, blocking", see: func(w *world) string { w.do(10, "w-1", "w-2"); return w.posts() }}},
	},
	{
		name:     "audit webhook that must work",
		settings: settings{args: sent("--audit-webhook-mode=blocking-strict", "--audit-webhook-initial-backoff=10ms").args, files: map[string]string{"policy": auditStages, "hook": kubeconfig("/audit")}},
		against:  sent("--audit-webhook-mode=blocking", "--audit-webhook-initial-backoff=10ms").args,
		answer:   failing(403, 1000),
		probes: []probe{{flag: "audit-webhook-mode, blocking-strict", see: func(w *world) string {
			w.do(10)
			return verdict(w.post("/api/v1/namespaces/audited/configmaps", `{"metadata":{"name":"w-1"}}`))
		}}},
	},
	{
		name: "audit webhook that comes back soon", settings: sent("--audit-webhook-batch-max-wait=100ms", "--audit-webhook-initial-backoff=100ms"), against: sent("--audit-webhook-batch-max-wait=100ms").args, answer: failing(500, 1),
		probes: []probe{{flag: "audit-webhook-initial-backoff", see: func(w *world) string {
			w.do(10, "w-1")
			return w.until(4*time.Second, func() (string, bool) {
				again := len(w.hook.seen()) > 1
				return fmt.Sprint("again: ", again), again
			})
		}}},
	},
	{
		name:     "audit webhook slowed down",
		settings: sent("--audit-webhook-batch-max-size=1", "--audit-webhook-batch-buffer-size=2", "--audit-webhook-batch-throttle-qps=0.05", "--audit-webhook-batch-throttle-burst=2"),
		against:  sent("--audit-webhook-batch-max-size=1").args,
		probes: []probe{
			{flag: "audit-webhook-batch-throttle-qps, audit-webhook-batch-throttle-burst", see: func(w *world) string {
				w.do(10, "s-1", "s-2", "s-3", "s-4")
				w.steady(2, func() int { return len(w.received()) })
				return w.posts()
			}},
			{flag: "audit-webhook-batch-buffer-size", see: func(w *world) string {
				w.do(10, "s-5", "s-6", "s-7", "s-8", "s-9")
				return dropped(w)
			}},
		},
	},
	{
		name:     "audit webhook not slowed down",
		settings: sent("--audit-webhook-batch-max-size=1", "--audit-webhook-batch-throttle-enable=false", "--audit-webhook-batch-throttle-qps=0.05", "--audit-webhook-batch-throttle-burst=1"),
		against:  sent("--audit-webhook-batch-max-size=1", "--audit-webhook-batch-throttle-qps=0.05", "--audit-webhook-batch-throttle-burst=1").args,
		probes: []probe{{flag: "audit-webhook-batch-throttle-enable", see: func(w *world) string {
			w.do(10, "s-1", "s-2", "s-3")
			counted(w, w.received, 3, 5*time.Second)
			return w.posts()
		}}},
	},
	{
		name:     "audit webhook of short events",
		settings: sent("--audit-webhook-batch-max-size=4", "--audit-webhook-batch-max-wait=1h", "--audit-webhook-truncate-enabled", "--audit-webhook-truncate-max-event-size=3000", "--audit-webhook-truncate-max-batch-size=5000"),
		against:  sent("--audit-webhook-batch-max-size=4", "--audit-webhook-batch-max-wait=1h").args,
		probes: []probe{
			{flag: "audit-webhook-truncate-enabled, audit-webhook-truncate-max-event-size", see: func(w *world) string {
				w.do(10_000, "t-1")
				w.do(300, "t-2", "t-3", "t-4")
				return counted(w, w.received, 4, 5*time.Second) + allAbout(w.received())
			}},
		},
	},
}
