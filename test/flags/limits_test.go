package flags

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// slowly is a reviewer that takes its time with users named slow, until their name is let go.
func slowly(h *hook, c call) (int, any) {
	if user := fmt.Sprint(dig(c.value, "spec", "user")); strings.HasPrefix(user, "slow") {
		h.hold(user)
	}
	return 200, map[string]any{"apiVersion": c.value["apiVersion"], "kind": "SubjectAccessReview", "status": map[string]any{"allowed": true}}
}

// reviewed is a server whose requests take as long as the hook wants.
func reviewed(more ...string) settings {
	return settings{args: append([]string{"--authorization-mode=Webhook,RBAC", "--authorization-webhook-config-file={{dir}}/hook"}, more...), files: map[string]string{"hook": kubeconfig("/reviews")}}
}

// occupied sends a request of a slow user, waits until the server has it in hand, and gives back how to let it go.
func (w *world) occupied(user string, r request) (end func() string) {
	r.user = user
	answer := make(chan string, 1)
	go func() {
		for {
			a := w.ask(r)
			// The server's own requests need the seat for moments, too.
			if a.code != http.StatusTooManyRequests {
				answer <- fmt.Sprint(a.code)
				return
			}
		}
	}()
	w.until(5*time.Second, func() (string, bool) { return "", len(w.reviewsOf(user)) > 0 || len(answer) > 0 })
	return func() string {
		w.hook.release(user)
		return "the first " + <-answer
	}
}

// refusedFor is what another user hears meanwhile.
func refusedFor(r reply) string {
	text := r.body
	if len(text) > 200 {
		text = ""
	}
	if v := decode(text); v["kind"] == "Status" {
		text = fmt.Sprint(v["reason"], v["message"], v["details"])
	} else if v != nil {
		text = ""
	}
	return fmt.Sprint(r.code, " ", names(r, "Retry-After", "Content-Type"), " ", strings.TrimSpace(text), "; ")
}

var (
	reading = request{path: "/api/v1/namespaces/default/configmaps"}
	writing = request{method: "POST", path: "/api/v1/namespaces/default/configmaps?dryRun=All", body: `{"metadata":{"name":"a"}}`}
)

// crowded has one request in hand and sends another of each sort.
func (w *world) crowded(first request) string {
	end := w.occupied("slow-"+fmt.Sprint(first.method), first)
	by := func(r request) string { r.user = "fast"; return refusedFor(w.ask(r)) }
	text := "read " + by(reading) + "write " + by(writing) + "watch " + by(request{path: reading.path + "?watch=1&timeoutSeconds=1"}) + "health " + by(request{path: "/readyz"}) + "admin " + fmt.Sprint(w.ask(writing).code, w.ask(reading).code)
	return text + end()
}

// level is a priority level of one seat for the users named here, which has a queue or refuses.
func (w *world) level(response string) {
	w.post("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", `{"metadata":{"name":"narrow"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"lendablePercent":0,"borrowingLimitPercent":0,"limitResponse":`+response+`}}}`)
	w.post("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", `{"metadata":{"name":"narrow"},"spec":{"priorityLevelConfiguration":{"name":"narrow"},"matchingPrecedence":500,"distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"User","user":{"name":"fast"}},{"kind":"User","user":{"name":"slow-one"}},{"kind":"User","user":{"name":"slow-two"}},{"kind":"User","user":{"name":"slow-three"}}],"resourceRules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"],"namespaces":["*"]}]}]}}`)
	uid := fmt.Sprint(dig(decode(w.get("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/narrow").body), "metadata", "uid"))
	w.until(5*time.Second, func() (string, bool) {
		r := w.ask(request{path: reading.path, user: "fast"})
		got := r.header.Get("X-Kubernetes-Pf-Flowschema-Uid")
		return "", got == uid || got == ""
	})
}

// seats are how many the server has for a level.
func (w *world) seats(level string) string {
	return w.metric("apiserver_flowcontrol_nominal_limit_seats{", `"`+level+`"`)
}

// rejections are why requests were refused.
func (w *world) rejections() string {
	return w.until(3*time.Second, func() (string, bool) {
		text := w.metric("apiserver_flowcontrol_rejected_requests_total{", "narrow")
		return text, text != ""
	})
}

// fullStore is a store that takes no more: the server starts and never has what must be there.
func fullStore(w *world) {
	c := peer.Start(w.t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	resp, err := http.Post(c.Etcd()+"/v3/maintenance/alarm", "application/json", strings.NewReader(`{"action":"ACTIVATE","alarm":"NOSPACE"}`))
	if err != nil {
		w.t.Error(err)
		return
	}
	resp.Body.Close()
	w.vars = append(w.vars, "{{full}}", c.Etcd())
}

const shares = "--max-requests-inflight=8"

var limitEffects = []effect{
	{
		name: "few requests", settings: reviewed("--enable-priority-and-fairness=false", "--max-requests-inflight=1"), against: reviewed("--enable-priority-and-fairness=false").args, answer: slowly,
		probes: []probe{{flag: "max-requests-inflight", see: func(w *world) string { return w.crowded(reading) }}},
	},
	{
		name: "few changes", settings: reviewed("--enable-priority-and-fairness=false", "--max-mutating-requests-inflight=1"), against: reviewed("--enable-priority-and-fairness=false").args, answer: slowly,
		probes: []probe{{flag: "max-mutating-requests-inflight", see: func(w *world) string { return w.crowded(writing) }}},
	},
	{
		name: "no limits", settings: reviewed("--enable-priority-and-fairness=false", "--max-requests-inflight=0", "--max-mutating-requests-inflight=0"), against: reviewed("--enable-priority-and-fairness=false", "--max-requests-inflight=1").args, answer: slowly,
		probes: []probe{
			{flag: "max-requests-inflight, max-mutating-requests-inflight, none", see: func(w *world) string { return w.crowded(reading) + w.crowded(writing) }},
		},
	},
	{
		name: "seats", settings: settings{args: []string{"--max-requests-inflight=100", "--max-mutating-requests-inflight=23"}},
		probes: []probe{{flag: "max-requests-inflight, max-mutating-requests-inflight, as seats", see: func(w *world) string { return w.seats("global-default") + w.seats("leader-election") }}},
	},
	{
		name: "fairness that refuses", settings: reviewed(shares, "--max-mutating-requests-inflight=2"), against: reviewed(shares, "--max-mutating-requests-inflight=2", "--enable-priority-and-fairness=false").args, answer: slowly,
		probes: []probe{{flag: "enable-priority-and-fairness", see: func(w *world) string {
			w.level(`{"type":"Reject"}`)
			end := w.occupied("slow-one", reading)
			r := w.ask(request{path: reading.path, user: "fast"})
			text := w.seats("narrow") + refusedFor(r) + fmt.Sprint(len(r.header.Get("X-Kubernetes-Pf-Flowschema-Uid")), len(r.header.Get("X-Kubernetes-Pf-Prioritylevel-Uid"))) + w.rejections()
			return text + fmt.Sprint(w.ask(request{path: reading.path, user: "another"}).code) + verdict(w.ask(request{path: "/version", user: "fast"})) + end() + refusedFor(w.ask(request{path: reading.path, user: "fast"}))
		}}},
	},
	{
		name: "fairness that queues", settings: reviewed(shares, "--max-mutating-requests-inflight=2", "--request-timeout=20s"), against: reviewed(shares, "--max-mutating-requests-inflight=2", "--request-timeout=20s", "--enable-priority-and-fairness=false").args, answer: slowly,
		probes: []probe{{flag: "enable-priority-and-fairness, with a queue", see: func(w *world) string {
			w.level(`{"type":"Queue","queuing":{"queues":1,"handSize":1,"queueLengthLimit":1}}`)
			end := w.occupied("slow-one", reading)
			queued := make(chan string, 1)
			go func() {
				began := time.Now()
				r := w.ask(request{path: reading.path, user: "fast"})
				queued <- fmt.Sprint("queued ", refusedFor(r), time.Since(began) > 3*time.Second)
			}()
			w.until(3*time.Second, func() (string, bool) {
				return "", strings.HasSuffix(w.metric("apiserver_flowcontrol_current_inqueue_requests{", "narrow"), " 1")
			})
			full := refusedFor(w.ask(request{path: reading.path, user: "fast"}))
			text := "full " + full + <-queued + w.rejections()
			return text + end()
		}}},
	},
	{
		name: "short requests", settings: reviewed("--request-timeout=2s"), against: reviewed().args, answer: slowly,
		probes: []probe{{flag: "request-timeout", see: func(w *world) string {
			ctx, cancel := within(6 * time.Second)
			defer cancel()
			began := time.Now()
			r := w.ask(request{path: reading.path, user: "slow", ctx: ctx})
			took := time.Since(began).Round(time.Second)
			w.hook.release("slow")
			if r.code == 0 {
				return "it goes on"
			}
			return fmt.Sprint(verdict(r), took, names(r, "Content-Type"), verdict(w.get("/api/v1/pods?timeout=5s")))
		}}},
	},
	{
		name: "short watches", settings: settings{args: []string{"--min-request-timeout=2"}},
		probes: []probe{{flag: "min-request-timeout", see: func(w *world) string {
			ctx, cancel := within(7 * time.Second)
			defer cancel()
			began := time.Now()
			r := w.ask(request{path: "/api/v1/namespaces/default/secrets?watch=1", ctx: ctx})
			took := time.Since(began)
			return fmt.Sprint(r.code, " ends: ", r.err == nil, took > 1900*time.Millisecond && took < 6*time.Second)
		}}},
	},
	{
		name: "a slow start", settings: settings{args: []string{"--etcd-servers={{full}}", "--livez-grace-period=10m"}, unready: true}, against: []string{"--etcd-servers={{full}}"}, before: fullStore,
		probes: []probe{{flag: "livez-grace-period", alike: "the grace covers what the outermost server of the chain waits for, and that is done by now", see: func(w *world) string {
			return fmt.Sprint(w.get("/livez/poststarthook/rbac/bootstrap-roles").code, w.get("/readyz/poststarthook/rbac/bootstrap-roles").code, w.get("/livez").code)
		}}},
	},
	{
		name: "deletion by several", settings: reviewed("--delete-collection-workers=4"), against: reviewed().args, answer: func(h *hook, c call) (int, any) {
			if c.value["kind"] == "SubjectAccessReview" {
				return slowly(h, c)
			}
			name := fmt.Sprint(dig(c.value, "request", "name"))
			h.hold("slow-" + name)
			return 200, map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": map[string]any{"uid": dig(c.value, "request", "uid"), "allowed": true}}
		},
		probes: []probe{{flag: "delete-collection-workers", see: func(w *world) string {
			w.post("/api/v1/namespaces", `{"metadata":{"name":"many"}}`)
			for i := range 8 {
				w.post("/api/v1/namespaces/many/configmaps", fmt.Sprintf(`{"metadata":{"name":"c%d"}}`, i))
			}
			w.post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", fmt.Sprintf(`{"metadata":{"name":"hook"},"webhooks":[{"name":"a.example.org","admissionReviewVersions":["v1"],"sideEffects":"None","timeoutSeconds":30,"clientConfig":{"url":%q,"caBundle":%q},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["DELETE"],"resources":["configmaps"]}]}]}`, w.hook.URL+"/webhook", w.hook.ca))
			asked := func() (n int) {
				for _, c := range w.hook.seen() {
					if c.path == "/webhook" {
						n++
					}
				}
				return n
			}
			w.hook.release("slow-probe")
			w.until(10*time.Second, func() (string, bool) {
				w.post("/api/v1/namespaces/many/configmaps", `{"metadata":{"name":"probe"}}`)
				w.ask(request{method: "DELETE", path: "/api/v1/namespaces/many/configmaps/probe"})
				return "", asked() > 0
			})
			before := asked()
			done := make(chan int, 1)
			go func() {
				done <- w.ask(request{method: "DELETE", path: "/api/v1/namespaces/many/configmaps?fieldSelector=metadata.name!%3Dkube-root-ca.crt"}).code
			}()
			text := fmt.Sprint(w.steady(before+1, asked)-before, " at a time; ")
			for i := range 8 {
				w.hook.release(fmt.Sprintf("slow-c%d", i))
			}
			return text + fmt.Sprint(<-done)
		}}},
	},
}
