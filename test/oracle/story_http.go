package oracle

import (
	"fmt"
	"net/http"
	"strings"
)

const patchMap = `{"data":{"k":"new"}}`

// negotiation asks for and sends every form of content.
func negotiation() story {
	const maps, m, pods = namespaced + "configmaps", namespaced + "configmaps/negotiated", namespaced + "pods"
	const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"negotiated"},"data":{"k":"v"}}`
	steps := []step{gone(m), post("create", maps, body)}
	for _, accept := range []string{yamlType, protobufType, cborType, "text/html", "*/*", "application/*", "text/*", "application/json;q=0.1,application/yaml;q=0.9", "text/html,application/json", "text/html;q=0.9, application/yaml;q=0.5", "application/json;charset=utf-8", "application/json;pretty=1",
		table, "application/json;as=Table;v=v1beta1;g=meta.k8s.io", "application/json;as=Table;v=v2;g=meta.k8s.io", "application/json;as=Table;g=meta.k8s.io", "application/json;as=Table;v=v1", "application/json;as=Odd;v=v1;g=meta.k8s.io", table + "," + jsonType, "application/json;as=Odd;v=v1;g=meta.k8s.io," + jsonType,
		meta, metaList, "application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io", protobufType + ";as=Table;v=v1;g=meta.k8s.io", protobufType + ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "application/yaml;as=Table;v=v1;g=meta.k8s.io", "application/cbor;as=Table;v=v1;g=meta.k8s.io", "application/cbor,application/json",
		jsonStream, protobufStream, "application/vnd.kubernetes.protobuf,application/json", "nonsense", "a/b/c", ";;", "application/json;as=Table;v=v1;g=meta.k8s.io;q=0", "APPLICATION/JSON", "application/vnd.kubernetes.protobuf;q=0.5,application/yaml"} {
		steps = append(steps, get("one as "+accept, m).showing(accept), get("all as "+accept, maps+"?fieldSelector=metadata.name%3Dnegotiated").showing(accept), get("missing as "+accept, maps+"/none").showing(accept))
	}
	for _, accept := range []string{protobufType, yamlType, table, cborType} {
		steps = append(steps, get("groups as "+accept, "/apis").showing(accept), get("resources as "+accept, "/api/v1").showing(accept), get("no group as "+accept, "/apis/no.such").showing(accept), get("version as "+accept, "/version").showing(accept),
			post("review as "+accept, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"nonResourceAttributes":{"verb":"get","path":"/x"}}}`).showing(accept),
			get("definitions as "+accept, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldSelector=metadata.name%3Dnone").showing(accept), get("services as "+accept, "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps").showing(accept))
	}
	const tried = maps + "?dryRun=All"
	const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: in-yaml\ndata:\n  k: v\n"
	const other = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"sent"},"data":{"k":"v"}}`
	steps = append(steps, post("yaml", tried, yaml).of(yamlType), post("yaml said to be json", tried, yaml), post("json said to be yaml", tried, other).of(yamlType), post("two in yaml", tried, yaml+"---\n"+yaml).of(yamlType), post("yaml with tabs", tried, "a:\n\t- b").of(yamlType), post("yaml with anchors", tried, yaml+"x: &a [1]\ny: *a\n").of(yamlType),
		post("protobuf", tried, other).inProtobuf(), post("protobuf, answered so", tried, other).inProtobuf().showing(protobufType), post("protobuf said to be json", tried, other).inProtobuf().of(jsonType), post("json said to be protobuf", tried, other).of(protobufType), post("cbor", tried, "\xa1\x61a\x01").of(cborType),
		post("text", tried, other).of("text/plain"), post("form", tried, other).of("application/x-www-form-urlencoded"), post("with charset", tried, other).of("application/json; charset=utf-8"), post("with another charset", tried, other).of("application/json; charset=latin1"), post("no type", tried, other).of(" "), post("odd type", tried, other).of("a;b;c"),
		post("merge patch type", tried, other).of(mergePatch), put("put protobuf", m+"?dryRun=All", body).inProtobuf(), put("put yaml", m+"?dryRun=All", strings.ReplaceAll(yaml, "in-yaml", "negotiated")).of(yamlType), put("put text", m+"?dryRun=All", body).of("text/plain"),
		post("pod in protobuf", pods+"?dryRun=All", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"sent"},"spec":{"containers":[{"name":"c","image":"i"}]}}`).inProtobuf(), post("pod in protobuf, wrong", pods+"?dryRun=All", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"sent"},"spec":{}}`).inProtobuf(), post("another kind in protobuf", pods+"?dryRun=All", other).inProtobuf(),
		post("deployment in protobuf", "/apis/apps/v1/namespaces/default/deployments?dryRun=All", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"sent"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`).inProtobuf().showing(protobufType),
		post("definition in protobuf", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All", strings.ReplaceAll(customDefinition, "story.example.org", "sent.example.org")).inProtobuf(), post("empty protobuf", tried, "k8s\x00").of(protobufType), post("broken protobuf", tried, "k8s\x00\x01\x02\x03").of(protobufType))
	patch := func(name, contentType, body string) step {
		return step{name: name, method: http.MethodPatch, path: m + "?dryRun=All&fieldManager=oracle", contentType: contentType, body: body}
	}
	many := strings.Repeat(`{"op":"add","path":"/data/a","value":"b"},`, 10001)
	steps = append(steps, patch("patch as json", jsonType, patchMap), patch("patch as text", "text/plain", patchMap), patch("patch without type", " ", patchMap), patch("patch with charset", mergePatch+"; charset=utf-8", patchMap), patch("patch as yaml", yamlType, "data: {k: new}"), patch("merge in yaml", mergePatch, "data: {k: new}"), patch("patch in protobuf", protobufType, patchMap),
		patch("apply in cbor", "application/apply-patch+cbor", "\xa1\x61a\x01"), patch("apply yaml", applyPatch, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: negotiated}\ndata: {z: y}\n"), patch("apply another name", applyPatch, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}`), patch("apply without kind", applyPatch, `{"metadata":{"name":"negotiated"}}`), patch("apply without version", applyPatch, `{"kind":"ConfigMap"}`), patch("apply another kind", applyPatch, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"negotiated"}}`),
		patch("apply managed fields", applyPatch, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"negotiated","managedFields":[{"manager":"x","operation":"Apply","apiVersion":"v1"}]}}`), patch("apply nothing", applyPatch, ``), patch("apply a list", applyPatch, `[]`), patch("apply unknown", applyPatch, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"negotiated"},"odd":1}`), patch("apply wrong type", applyPatch, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"negotiated"},"data":{"k":1}}`),
		step{name: "apply without manager", method: http.MethodPatch, path: m + "?dryRun=All", contentType: applyPatch, body: body}, step{name: "merge, forced", method: http.MethodPatch, path: m + "?dryRun=All&force=true", contentType: mergePatch, body: patchMap}, step{name: "apply, odd force", method: http.MethodPatch, path: m + "?dryRun=All&fieldManager=a&force=odd", contentType: applyPatch, body: body},
		patch("merge, empty", mergePatch, ``), patch("merge, nothing", mergePatch, `{}`), patch("merge, null", mergePatch, `null`), patch("merge, list", mergePatch, `[]`), patch("merge, text", mergePatch, `"x"`), patch("merge, broken", mergePatch, `{"data":`), patch("merge, doubled", mergePatch, `{"data":{"a":"1","a":"2"}}`), patch("merge, name", mergePatch, `{"metadata":{"name":"x"}}`), patch("merge, kind", mergePatch, `{"kind":"Secret"}`), patch("merge, version", mergePatch, `{"apiVersion":"v2"}`), patch("merge, resource version", mergePatch, `{"metadata":{"resourceVersion":"1"}}`), patch("merge, uid", mergePatch, `{"metadata":{"uid":"x"}}`),
		patch("strategic, empty", strategicPatch, ``), patch("strategic, delete", strategicPatch, `{"data":{"$patch":"delete"}}`), patch("strategic, replace", strategicPatch, `{"data":{"$patch":"replace","z":"1"}}`), patch("strategic, odd directive", strategicPatch, `{"data":{"$patch":"odd"}}`), patch("strategic, retain", strategicPatch, `{"data":{"$retainKeys":["k"]}}`), patch("strategic, broken", strategicPatch, `{`), patch("strategic, unknown", strategicPatch, `{"odd":1}`),
		patch("json, empty", jsonPatch, ``), patch("json, nothing", jsonPatch, `[]`), patch("json, object", jsonPatch, `{}`), patch("json, broken", jsonPatch, `[{`), patch("json, odd operation", jsonPatch, `[{"op":"odd","path":"/data/k"}]`), patch("json, no operation", jsonPatch, `[{"path":"/data/k"}]`), patch("json, missing path", jsonPatch, `[{"op":"replace","path":"/data/none","value":"x"}]`), patch("json, remove missing", jsonPatch, `[{"op":"remove","path":"/data/none"}]`), patch("json, add deep", jsonPatch, `[{"op":"add","path":"/a/b/c","value":"x"}]`),
		patch("json, test holds", jsonPatch, `[{"op":"test","path":"/data/k","value":"v"},{"op":"add","path":"/data/l","value":"x"}]`), patch("json, test fails", jsonPatch, `[{"op":"test","path":"/data/k","value":"w"}]`), patch("json, move", jsonPatch, `[{"op":"move","from":"/data/k","path":"/data/l"}]`), patch("json, copy", jsonPatch, `[{"op":"copy","from":"/data/k","path":"/data/l"}]`), patch("json, copy missing", jsonPatch, `[{"op":"copy","from":"/data/none","path":"/data/l"}]`), patch("json, all", jsonPatch, `[{"op":"replace","path":"","value":{}}]`), patch("json, number", jsonPatch, `[{"op":"add","path":"/data/l","value":5}]`), patch("json, many", jsonPatch, "["+strings.TrimSuffix(many, ",")+"]"),
		step{name: "delete with protobuf", method: http.MethodDelete, path: m + "?dryRun=All", contentType: yamlType, body: "apiVersion: v1\nkind: DeleteOptions\npropagationPolicy: Odd\n"})
	remove := func(name, query, body string) step {
		return step{name: "delete " + name, method: http.MethodDelete, path: m + "?dryRun=All" + query, body: body}
	}
	steps = append(steps, remove("plain", "", ""), remove("with options", "", `{"apiVersion":"v1","kind":"DeleteOptions"}`), remove("with odd kind", "", `{"apiVersion":"v1","kind":"Pod"}`), remove("with old group", "", `{"apiVersion":"apps/v1","kind":"DeleteOptions"}`), remove("with unknown group", "", `{"apiVersion":"odd/v1","kind":"DeleteOptions"}`), remove("with nothing", "", `{}`), remove("broken", "", `{`), remove("with both policies", "", `{"orphanDependents":true,"propagationPolicy":"Orphan"}`), remove("odd policy", "&propagationPolicy=odd", ""), remove("negative grace", "&gracePeriodSeconds=-1", ""), remove("odd grace", "&gracePeriodSeconds=x", ""),
		remove("orphan", "&orphanDependents=true", ""), remove("odd orphan", "&orphanDependents=odd", ""), remove("with another uid", "", `{"preconditions":{"uid":"x"}}`), remove("with another version", "", `{"preconditions":{"resourceVersion":"1"}}`), remove("with unknown fields", "", `{"odd":1}`), remove("ignoring errors", "&ignoreStoreReadErrorWithClusterBreakingPotential=true", ""), remove("dry twice", "", `{"dryRun":["All"]}`), remove("odd dry run", "", `{"dryRun":["odd"]}`),
		drop("delete odd dry run", m+"?dryRun=odd"), gone(m))
	return story{"Content", steps}
}

// requests are those that programs and people get wrong.
func requests() story {
	const maps, m = namespaced + "configmaps", namespaced + "configmaps/requested"
	const deployments = "/apis/apps/v1/namespaces/default/deployments"
	steps := []step{gone(m), post("create", maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"requested"},"data":{"k":"v"}}`)}
	for _, path := range []string{"/nothing", "/api", "/api/", "/api/v1/", "/api/v2", "/api/v1/nothing", "/api/v1/namespaces/default/nothing/x", "/apis/", "/apis/apps/", "/apis/apps/v1/", "/apis/apps/v9/deployments", "/apis/none/v1", "/apis/none/v1/x", "/apis/apps/v1/nothing", "/apis/apps/v1/namespaces/default/nothing", deployments + "/x/nothing", deployments + "/x/scale/y", m + "/nothing", m + "/status", "//api/v1", "/api//v1", "/api/v1//pods", "/API/v1",
		"/api/v1/namespaces/default/configmaps/", "/api/v1/namespaces//pods", "/api/v1/namespaces/default/", m + "/", maps + "/a%2Fb", maps + "/%2E%2E", maps + "/a%20b", "/api/v1/configmaps/x", "/api/v1/pods/x", "/api/v1/nodes/none/status", "/api/v1/namespaces/none/configmaps", "/api/v1/proxy/namespaces/default/pods/x", "/api/v1/redirect/nodes/x", "/apis/extensions/v1beta1", "/apis/apps/v1beta1/deployments", "/apis/policy/v1beta1/podsecuritypolicies",
		"/api/v1/namespaces/default/pods/none/log", "/api/v1/namespaces/default/pods/none/exec", "/api/v1/namespaces/default/pods/none/attach", "/api/v1/namespaces/default/pods/none/portforward", "/api/v1/namespaces/default/pods/none/proxy", "/api/v1/namespaces/default/pods/none/proxy/a/b", "/api/v1/namespaces/default/services/none/proxy", "/api/v1/namespaces/default/services/https:none:x/proxy/", "/api/v1/nodes/none/proxy/", "/api/v1/nodes/none:10250/proxy/logs", "/api/v1/namespaces/default/pods/none/binding", "/api/v1/namespaces/default/pods/none/eviction", "/api/v1/namespaces/default/pods/none/ephemeralcontainers", "/api/v1/namespaces/default/pods/none/resize",
		"/swaggerapi", "/swagger.json", "/ui", "/favicon.ico", "/apis/apiregistration.k8s.io/v1/apiservices/none", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/none", "/apis/metrics.k8s.io/v1beta1/nodes", "/apis/batch", "/apis/batch/v1beta1", "/openid", "/.well-known", "/debug", "/debug/pprof/none", "/debug/flags/none", "/debug/flags/v"} {
		steps = append(steps, get("get "+path, path))
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "PROPFIND", "LIST"} {
		for _, path := range []string{maps, m, "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/healthz", "/", "/nothing", "/api/v1/namespaces/default/finalize", "/api/v1/namespaces/default/status", namespaced + "pods/none/log", namespaced + "pods/none/exec", namespaced + "pods/none/binding", namespaced + "serviceaccounts/none/token", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/openapi/v2"} {
			if (method == http.MethodDelete && (path == maps || path == m)) || (method == http.MethodGet && path == "/openapi/v2") {
				continue
			}
			s := step{name: method + " " + path, method: method, path: path}
			if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
				s.body = "{}"
			}
			steps = append(steps, s)
		}
	}
	tried := func(name, query, body string) step { return post("body "+name, maps+"?dryRun=All"+query, body) }
	deep := strings.Repeat(`{"a":`, 10100) + "1" + strings.Repeat("}", 10100)
	for _, c := range []struct{ name, body string }{
		{"brace", "{"}, {"list", "[]"}, {"null", "null"}, {"number", "1"}, {"text", `"x"`}, {"empty object", "{}"}, {"blanks", "   "}, {"trailing", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}} x`}, {"two", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"y"}}`},
		{"deep", deep}, {"not utf-8", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"},\"data\":{\"k\":\"\xff\xfe\"}}"}, {"no kind", `{"apiVersion":"v1","metadata":{"name":"x"}}`}, {"no version", `{"kind":"ConfigMap","metadata":{"name":"x"}}`}, {"odd kind", `{"apiVersion":"v1","kind":"Odd","metadata":{"name":"x"}}`}, {"odd version", `{"apiVersion":"v9","kind":"ConfigMap","metadata":{"name":"x"}}`}, {"bad version", `{"apiVersion":"a/b/c","kind":"ConfigMap","metadata":{"name":"x"}}`}, {"a list kind", `{"apiVersion":"v1","kind":"List","items":[]}`},
		{"its list kind", `{"apiVersion":"v1","kind":"ConfigMapList","items":[]}`}, {"kind of another type", `{"apiVersion":"v1","kind":5}`}, {"metadata of another type", `{"apiVersion":"v1","kind":"ConfigMap","metadata":[]}`}, {"name of another type", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":5}}`}, {"name missing", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}`}, {"with uid", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","uid":"y","generation":5,"creationTimestamp":"2020-01-01T00:00:00Z","selfLink":"z","deletionTimestamp":"2020-01-01T00:00:00Z"}}`},
		{"with version", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","resourceVersion":"5"}}`}, {"escaped", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\u0078"},"data":{"k":"\u0000\ud800"}}`}, {"bad time", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","creationTimestamp":"yesterday"}}`}, {"large number", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","generation":1e400}}`}, {"fraction", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","generation":1.5}}`}, {"binary, bad", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"binaryData":{"k":"%%"}}`},
	} {
		steps = append(steps, tried(c.name, "", c.body), tried(c.name+", strict", "&fieldValidation=Strict", c.body))
	}
	const container = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"requested","labels":{"a":"b","a":"c"}},"odd":1,"spec":{"replicas":1,"Replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"odd":true,"containers":[{"name":"c","image":"i","image":"j","oddly":{}}]}}}}`
	for _, mode := range []string{"", "Strict", "Warn", "Ignore", "odd", "strict"} {
		q := "?dryRun=All&fieldManager=oracle&fieldValidation=" + mode
		steps = append(steps, post("unknown, "+mode, deployments+q, container), post("unknown in yaml, "+mode, deployments+q, "apiVersion: apps/v1\nkind: Deployment\nodd: 1\nmetadata:\n  name: requested\n  name: requested\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      odd: 1\n      containers: [{name: c, image: i}]\n").of(yamlType),
			merge("unknown by merge, "+mode, m+q, `{"odd":1,"data":{"a":"1","a":"2"},"metadata":{"odd":1}}`), strategic("unknown by strategic, "+mode, m+q, `{"odd":1,"data":{"a":"1","a":"2"},"metadata":{"odd":1}}`), step{name: "unknown by json, " + mode, method: http.MethodPatch, path: m + q, contentType: jsonPatch, body: `[{"op":"add","path":"/odd","value":1},{"op":"add","path":"/metadata/odd","value":1,"value":2}]`},
			step{name: "unknown by apply, " + mode, method: http.MethodPatch, path: m + q, contentType: applyPatch, body: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: requested, odd: 1}\ndata: {a: b, a: c}\n"}, put("unknown by put, "+mode, m+q, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"requested"},"odd":1,"data":{"k":"1","k":"2"}}`), post("unknown in protobuf, "+mode, deployments+q, container).of(protobufType))
	}
	large := func(size int) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"requested-large"},"stringData":{"k":"%s"}}`, strings.Repeat("x", size))
	}
	event := func(size int) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"requested-large","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","args":["%s"]}]}}`, strings.Repeat("x", size))
	}
	annotated := `{"metadata":{"annotations":{"a":"` + strings.Repeat("x", 300000) + `"}}}`
	steps = append(steps, post("secret of a MiB", namespaced+"secrets?dryRun=All", large(1<<20+1)), post("body of 4 MB", namespaced+"secrets?dryRun=All", large(4<<20)), put("put of 4 MB", m, large(4<<20)), merge("patch of 4 MB", m, large(4<<20)), post("pod too large for the store", namespaced+"pods", event(2<<20)), merge("long annotation", m+"?dryRun=All", annotated),
		post("long name", maps+"?dryRun=All", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"`+strings.Repeat("a", 300)+`"}}`), get("long path", maps+"/"+strings.Repeat("a", 3000)),
		tried("dry run twice", "&dryRun=All", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`), tried("manager", "&fieldManager=one", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b"}}`), tried("manager not printable", "&fieldManager=%01", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`), tried("manager by agent", "", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b"}}`).with("User-Agent", "tool/v1.2 (linux)"), tried("long agent", "", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b"}}`).with("User-Agent", strings.Repeat("a", 200)), tried("odd agent", "", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b"}}`).with("User-Agent", "/"),
		get("other origin", m).with("Origin", "https://example.com"), step{name: "preflight", method: http.MethodOptions, path: m, headers: map[string]string{"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}}, get("bad token", m).with("Authorization", "Bearer nonsense"), get("odd authorization", m).with("Authorization", "Odd x"), get("compressed", "/apis/apps/v1").with("Accept-Encoding", "gzip"), get("audit id", m).with("Audit-ID", "mine"),
		get("if none match", m).with("If-None-Match", "x"), get("precondition", m).with("If-Match", "x"), post("expects", maps+"?dryRun=All", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`).with("Expect", "100-continue"), gone(m))
	return story{"Requests", steps}
}
