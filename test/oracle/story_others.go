package oracle

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"sigs.k8s.io/yaml"
)

func contains(body []byte, text string) bool { return bytes.Contains(body, []byte(text)) }

// tokens asks for service account tokens.
func tokens() story {
	sa := namespaced + "serviceaccounts"
	ask := func(name, spec string) step {
		return post(name, sa+"/tokened/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":`+spec+`}`)
	}
	return story{"ServiceAccount tokens", []step{
		gone(sa + "/tokened"),
		post("create", sa, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"tokened"}}`),
		get("not read", sa+"/tokened/token"), post("of a missing account", sa+"/missing/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`),
		ask("plain", `{}`), ask("audience", `{"audiences":["a"]}`), ask("empty audience", `{"audiences":[""]}`), ask("short", `{"expirationSeconds":5}`), ask("negative", `{"expirationSeconds":-1}`),
		ask("long", `{"expirationSeconds":5000000000}`), ask("hour", `{"expirationSeconds":3600}`),
		ask("of a missing pod", `{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"missing"}}`), ask("of a missing secret", `{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"missing"}}`),
		ask("of a missing node", `{"boundObjectRef":{"kind":"Node","apiVersion":"v1","name":"missing"}}`),
		ask("of a deployment", `{"boundObjectRef":{"kind":"Deployment","apiVersion":"apps/v1","name":"x"}}`), ask("of nothing", `{"boundObjectRef":{}}`),
		post("other name", sa+"/tokened/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","metadata":{"name":"other"},"spec":{}}`),
		post("other kind", sa+"/tokened/token", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"other"}}`), post("tried", sa+"/tokened/token?dryRun=All", `{"spec":{}}`),
		gone(sa + "/tokened"),
	}}
}

// approvals decides about a certificate request.
func approvals() story {
	const all = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
	p := all + "/decided"
	condition := func(name, sub, list string) step { return merge(name, p+sub, `{"status":{"conditions":[`+list+`]}}`) }
	const approved, denied, failed = `{"type":"Approved","status":"True","reason":"Good"}`, `{"type":"Denied","status":"True"}`, `{"type":"Failed","status":"True"}`
	return story{"CertificateSigningRequest approvals", []step{
		gone(p), post("create", all, requestBody("decided")),
		get("read", p+"/approval"),
		condition("approved by status", "/status", approved), condition("approved by the request", "", approved),
		condition("approved and denied", "/approval", approved+","+denied), condition("approved, false", "/approval", `{"type":"Approved","status":"False"}`),
		condition("odd", "/approval", `{"type":"","status":"True"}`), condition("twice", "/approval", approved+","+approved),
		merge("certificate by approval", p+"/approval", `{"status":{"certificate":"eA=="}}`), merge("spec by approval", p+"/approval", `{"spec":{"usages":["server auth"]}}`),
		merge("label by approval", p+"/approval", `{"metadata":{"labels":{"by":"approval"}}}`),
		condition("approved", "/approval", approved), condition("denied late", "/approval", approved+","+denied),
		merge("taken back", p+"/approval", `{"status":{"conditions":null}}`),
		merge("bad certificate", p+"/status", `{"status":{"certificate":"eA=="}}`), condition("failed", "/status", approved+","+failed),
		get("after", p), get("table", p).showing(table), gone(p),
		post("create again", all, requestBody("decided")), condition("denied", "/approval", denied), condition("approved late", "/approval", denied+","+approved), get("denied table", p).showing(table), gone(p),
	}}
}

// requestBody is the certificate request of the manifests under another name.
func requestBody(name string) string {
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "testdata", "manifests", "others.yaml"))
	if err != nil {
		panic(err) // it is part of the test
	}
	for _, doc := range bytes.Split(data, []byte("\n---\n")) {
		var value map[string]any
		if yaml.Unmarshal(doc, &value) == nil && value["kind"] == "CertificateSigningRequest" {
			return string(encode(renamed(value, name)))
		}
	}
	panic("no certificate request in the manifests")
}

// finalizations ends namespaces by hand.
func finalizations() story {
	const all = "/api/v1/namespaces"
	p := all + "/ending"
	final := func(name, spec string) step {
		return put(name, p+"/finalize", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ending"},"spec":`+spec+`}`)
	}
	return story{"Namespace finalizers", []step{
		gone(p), final("", `{}`).silent(),
		post("create", all, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ending"}}`),
		get("not read", p+"/finalize"), merge("not patched", p+"/finalize", `{}`),
		final("odd finalizer", `{"finalizers":["odd"]}`), final("more", `{"finalizers":["kubernetes","a.b/c"]}`), final("none", `{}`), get("lives without", p),
		final("again", `{"finalizers":["kubernetes"]}`),
		put("other name", p+"/finalize", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}`),
		put("status", p+"/status", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ending"},"status":{"phase":"Terminating"}}`),
		drop("delete", p), get("ending", p), drop("delete again", p),
		post("create in it", all+"/ending/configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"late"}}`),
		final("last", `{}`), get("gone", p),
	}}
}

// collections deletes many at once.
func collections() story {
	maps := namespaced + "configmaps"
	var steps []step
	for _, n := range []string{"a", "b", "c"} {
		steps = append(steps, gone(maps+"/many-"+n), post("", maps, fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"many-%s","labels":{"many":%q}}}`, n, n)).silent())
	}
	const some = "?labelSelector=many"
	return story{"Collections", append(steps,
		drop("bad selector", maps+"?labelSelector=a%20b%20c"), drop("bad field", maps+"?fieldSelector=no.such%3Dx"), drop("bad policy", maps+some+"&propagationPolicy=Odd"),
		drop("none", maps+"?labelSelector=none%3Dx"), drop("tried", maps+some+"&dryRun=All"), drop("bad grace", maps+some+"&gracePeriodSeconds=x"),
		drop("one", maps+some+"%3Da"), drop("by field", maps+some+"&fieldSelector=metadata.name%3Dmany-b"), get("left", maps+some), drop("all", maps+some), get("none left", maps+some),
		drop("services", namespaced+"services"+some), drop("nodes", "/api/v1/nodes"+some), drop("namespaces", "/api/v1/namespaces"+some), drop("events", namespaced+"events"+some),
		drop("bindings", namespaced+"bindings"), drop("reviews", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
		get("limit", "/api/v1/namespaces?limit=1"), get("bad continue", "/api/v1/namespaces?limit=1&continue=x"), get("bad version", "/api/v1/namespaces?resourceVersion=x"),
		get("exact without version", "/api/v1/namespaces?resourceVersionMatch=Exact"), get("odd match", "/api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Odd"),
		get("future", "/api/v1/namespaces?resourceVersion=99999999999&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"),
		get("initial events without bookmarks", "/api/v1/namespaces?watch=1&sendInitialEvents=true&timeoutSeconds=1"),
		get("initial events without watch", "/api/v1/namespaces?sendInitialEvents=true"),
		get("no such resource", "/api/v1/nothing"), get("no such group", "/apis/no.such/v1"), get("no such path", "/nothing"), get("unacceptable", "/api/v1/namespaces/default").showing("text/html"),
		step{name: "method", method: http.MethodPost, path: "/api/v1/namespaces/default"}, step{name: "no body", method: http.MethodPost, path: maps}, step{name: "put collection", method: http.MethodPut, path: maps, body: "{}"},
		post("other group", maps, `{"apiVersion":"apps/v1","kind":"ConfigMap","metadata":{"name":"x"}}`), post("other namespace", maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"other"}}`),
		post("missing namespace", "/api/v1/namespaces/missing/configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`),
		post("doubled key", maps+"?dryRun=All&fieldValidation=Strict", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","name":"y"}}`),
		post("odd validation", maps+"?fieldValidation=Odd", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`), post("odd dry run", maps+"?dryRun=Odd", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`),
		post("long manager", maps+"?dryRun=All&fieldManager="+string(bytes.Repeat([]byte("m"), 200)), `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`),
	)}
}

// versions reads in one version what was written in another.
func versions() story {
	v1, v2 := "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
	core, events := namespaced+"events", "/apis/events.k8s.io/v1/namespaces/default/events"
	return story{"Versions", []step{
		gone(v1 + "/turn"), gone(core + "/turn"), gone(core + "/new-turn"),
		post("create v1", v1, `{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"turn"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"},"maxReplicas":3,"targetCPUUtilizationPercentage":40}}`),
		get("read v2", v2+"/turn"), get("table v2", v2+"/turn").showing(table), get("table v1", v1+"/turn").showing(table),
		merge("metrics by v2", v2+"/turn", `{"spec":{"metrics":[{"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"1Gi"}}},
			{"type":"ContainerResource","containerResource":{"name":"cpu","container":"c","target":{"type":"Utilization","averageUtilization":5}}},
			{"type":"Object","object":{"describedObject":{"kind":"A","name":"b"},"metric":{"name":"m"},"target":{"type":"Value","value":"3"}}},
			{"type":"Pods","pods":{"metric":{"name":"p","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"AverageValue","averageValue":"2"}}},
			{"type":"External","external":{"metric":{"name":"e"},"target":{"type":"AverageValue","averageValue":"2"}}}],
			"behavior":{"scaleDown":{"stabilizationWindowSeconds":5}}}}`),
		get("read v1", v1+"/turn"), merge("max by v1", v1+"/turn", `{"spec":{"maxReplicas":9}}`), get("kept in v2", v2+"/turn"),
		merge("cpu by v1", v1+"/turn", `{"spec":{"targetCPUUtilizationPercentage":77}}`), get("cpu in v2", v2+"/turn"),
		merge("status by v2", v2+"/turn/status", `{"status":{"currentReplicas":2,"desiredReplicas":2,"conditions":[{"type":"AbleToScale","status":"True"}],"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageValue":"5","averageUtilization":3}}}]}}`),
		get("status in v1", v1+"/turn"), merge("annotation by v1", v1+"/turn", `{"metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/metrics":"nonsense"}}}`), get("list v1", v1+"?fieldSelector=metadata.name%3Dturn"),
		post("event by core", core, `{"apiVersion":"v1","kind":"Event","metadata":{"name":"turn"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"message":"m","reason":"R","type":"Normal","source":{"component":"c","host":"h"},"count":3,"firstTimestamp":"2020-01-01T00:00:00Z"}`),
		get("read events", events+"/turn"), get("table events", events+"/turn").showing(table), merge("by events", events+"/turn", `{"note":"other"}`), merge("label by events", events+"/turn", `{"metadata":{"labels":{"a":"b"}}}`),
		post("event by events", events, `{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"new-turn"},"eventTime":"2020-01-01T00:00:00.000000Z","reportingController":"a/b","reportingInstance":"i","action":"A","reason":"R","regarding":{"kind":"Pod","namespace":"default","name":"p"},"note":"n","type":"Normal"}`),
		get("read core", core+"/new-turn"), merge("series by events", events+"/new-turn", `{"series":{"count":2,"lastObservedTime":"2020-01-01T00:00:01.000000Z"}}`), get("series in core", core+"/new-turn"), get("table core", core+"/new-turn").showing(table),
		merge("series by core", core+"/new-turn", `{"series":{"count":5}}`), get("list events", events+"?fieldSelector=metadata.name%3Dnew-turn"),
		gone(v1 + "/turn"), gone(core + "/turn"), gone(core + "/new-turn"),
	}}
}
