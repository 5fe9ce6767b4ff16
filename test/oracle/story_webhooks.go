package oracle

import (
	"fmt"
	"net/http"
	"strings"
)

// hookOf is one webhook for objects with the label hook=name.
type hookOf struct{ name, path, rest string }

// configuration is a webhook configuration with those webhooks, for configmaps of the namespace.
func configuration(kind string, hooks []hookOf) string {
	var list []string
	for _, h := range hooks {
		path := h.path
		if path == "" {
			path = h.name
		}
		fields := map[string]string{
			"admissionReviewVersions": `["v1"]`, "sideEffects": `"None"`, "clientConfig": fmt.Sprintf(`{"url":"{{hook}}/%s","caBundle":"{{ca}}"}`, path),
			"rules":             `[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE","DELETE"],"resources":["configmaps"]}]`,
			"namespaceSelector": `{"matchLabels":{"hooks":"on"}}`, "objectSelector": fmt.Sprintf(`{"matchLabels":{"hook":%q}}`, h.name), "timeoutSeconds": "5",
		}
		var text []string
		for _, key := range sortedKeys(fields) {
			if !strings.Contains(h.rest, `"`+key+`":`) {
				text = append(text, fmt.Sprintf("%q:%s", key, fields[key]))
			}
		}
		if h.rest != "" {
			text = append(text, h.rest)
		}
		list = append(list, fmt.Sprintf(`{"name":"%s.story.example.org",%s}`, h.name, strings.Join(text, ",")))
	}
	return fmt.Sprintf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":%q,"metadata":{"name":"story"},"webhooks":[%s]}`, kind, strings.Join(list, ","))
}

// webhooks meets webhooks of every behaviour.
func webhooks() story {
	const mutating, validating = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
	const ns = "/api/v1/namespaces/story-hooks"
	const maps = ns + "/configmaps"
	ignore := `"failurePolicy":"Ignore"`
	condition := func(expression string) string {
		return fmt.Sprintf(`"matchConditions":[{"name":"c","expression":%q}]`, expression)
	}
	changing := []hookOf{{"patch", "", ""}, {"echo", "", `"sideEffects":"NoneOnDryRun"`}, {"patch-odd", "", ""}, {"patch-odd-ignored", "patch-odd", ignore}, {"patch-missing", "", ""}, {"patch-unknown", "", ""}, {"patch-wrong", "", ""}, {"patch-invalid", "", ""}, {"patch-name", "", ""}, {"patch-empty", "", ""}, {"patch-broken", "", ""}, {"patch-untyped", "", ""}, {"patch-other-type", "", ""}, {"type-alone", "", ""}, {"deny-patch", "", ""},
		{"deny", "", ""}, {"deny-why", "", ""}, {"deny-code", "", ""}, {"warn", "", ""}, {"deny-warn", "", ""}, {"audit", "", ""}, {"broken", "", ""}, {"broken-ignored", "broken", ignore}, {"html", "", ""}, {"html-ignored", "html", ignore}, {"slow", "", `"timeoutSeconds":1`}, {"slow-ignored", "slow", `"timeoutSeconds":1,` + ignore}, {"redirect", "", ""}, {"other-kind", "", ""}, {"other-version", "", ""}, {"no-response", "", ""}, {"other-uid", "", ""}, {"no-uid", "", ""},
		{"refused", "", `"clientConfig":{"url":"https://127.0.0.1:1/x"}`}, {"refused-ignored", "", `"clientConfig":{"url":"https://127.0.0.1:1/x"},` + ignore}, {"untrusted", "", `"clientConfig":{"url":"{{hook}}/patch"}`}, {"no-service", "", `"clientConfig":{"service":{"namespace":"story-hooks","name":"none"},"caBundle":"{{ca}}"}`},
		{"when-true", "patch", condition("object.metadata.name == 'when-true'")}, {"when-false", "deny", condition("object.metadata.name == 'x'")}, {"when-error", "patch", condition("object.data.none == 'x'")}, {"when-error-ignored", "deny", condition("object.data.none == 'x'") + "," + ignore}, {"when-user", "patch", condition("request.userInfo.username != 'x' && authorizer.group('').resource('configmaps').namespace('default').check('get').allowed()")}, {"when-create", "deny", condition("request.operation == 'DELETE' && oldObject.metadata.name == 'when-create'")},
		{"twice", "append-a", `"reinvocationPolicy":"IfNeeded"`}, {"once", "append-a", ""}, {"namespaced", "patch", `"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["*"],"resources":["*/*"],"scope":"Namespaced"}]`}, {"cluster", "deny", `"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["*"],"resources":["*"],"scope":"Cluster"}]`}, {"older", "", `"admissionReviewVersions":["v9","v1beta1"],"clientConfig":{"url":"{{hook}}/patch","caBundle":"{{ca}}"}`},
	}
	second := hookOf{"second", "append-b", `"reinvocationPolicy":"Never","objectSelector":{"matchExpressions":[{"key":"hook","operator":"In","values":["twice","once"]}]}`}
	third := hookOf{"equivalent", "echo", `"matchPolicy":"Equivalent","rules":[{"apiGroups":["autoscaling"],"apiVersions":["v2"],"operations":["CREATE"],"resources":["horizontalpodautoscalers"]}]`}
	fourth := hookOf{"exact", "deny", `"matchPolicy":"Exact","rules":[{"apiGroups":["autoscaling"],"apiVersions":["v2"],"operations":["CREATE"],"resources":["horizontalpodautoscalers"]}]`}
	fifth := hookOf{"subresources", "echo", `"rules":[{"apiGroups":["apps",""],"apiVersions":["v1"],"operations":["CREATE","UPDATE","CONNECT"],"resources":["deployments/*","pods/*"]}],"objectSelector":{},"clientConfig":{"url":"{{hook}}/echo-refuse","caBundle":"{{ca}}"}`}
	object := func(hook, data string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"labels":{"hook":%q}},"data":{"k":%q}}`, hook, hook, data)
	}
	steps := []step{
		gone(mutating + "/story"), gone(validating + "/story"), post("", "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"story-hooks","labels":{"hooks":"on"}}}`).silent(), drop("", maps).silent(),
		post("configure", mutating, configuration("MutatingWebhookConfiguration", append(changing, second, third, fourth, fifth))),
		post("", maps+"?dryRun=All", object("patch", "x")).until(`"patched"`), post("", maps+"?dryRun=All", object("warn", "x")).until(`"hook":"warn"`),
	}
	for _, h := range changing {
		steps = append(steps, post("create "+h.name, maps, object(h.name, "x")), post("try "+h.name, maps+"?dryRun=All", strings.Replace(object(h.name, "x"), `"name":"`, `"name":"tried-`, 1)))
	}
	const scaler = `{"apiVersion":"autoscaling/%s","kind":"HorizontalPodAutoscaler","metadata":{"name":"h","labels":{"hook":%q}},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"},"maxReplicas":3}}`
	hpa := func(version, hook string) step {
		return post("autoscaler "+version+" "+hook, "/apis/autoscaling/"+version+"/namespaces/story-hooks/horizontalpodautoscalers?dryRun=All", fmt.Sprintf(scaler, version, hook))
	}
	steps = append(steps, hpa("v1", "equivalent"), hpa("v2", "equivalent"), hpa("v1", "exact"), hpa("v2", "exact"),
		merge("update echo", maps+"/echo", `{"data":{"k":"y"}}`), put("put echo", maps+"/echo?dryRun=All&fieldValidation=Strict&fieldManager=m", object("echo", "z")), step{name: "apply echo", method: http.MethodPatch, path: maps + "/echo?fieldManager=f&force=true", contentType: applyPatch, body: object("echo", "w")}, merge("label away", maps+"/echo", `{"metadata":{"labels":{"hook":null}}}`), merge("label back", maps+"/echo", `{"metadata":{"labels":{"hook":"echo"}}}`), drop("delete echo", maps+"/echo?propagationPolicy=Foreground"), drop("delete warn", maps+"/warn"), post("by alice", maps, object("echo", "a")).by("alice").with("Impersonate-Group", "system:masters"),
		post("deployment", "/apis/apps/v1/namespaces/story-hooks/deployments", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`), merge("scale", "/apis/apps/v1/namespaces/story-hooks/deployments/d/scale", `{"spec":{"replicas":3}}`), merge("status", "/apis/apps/v1/namespaces/story-hooks/deployments/d/status", `{"status":{"replicas":3}}`),
		post("pod", ns+"/pods", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}`), post("evict", ns+"/pods/p/eviction", `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}`), post("bind", ns+"/pods/p/binding", `{"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"n"}}`), get("exec", ns+"/pods/p/exec?command=a&container=c&stdout=1"), get("proxy", ns+"/pods/p/proxy/x"), merge("ephemeral", ns+"/pods/p/ephemeralcontainers", `{"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}}`), merge("resize", ns+"/pods/p/resize", `{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}`),
		drop("delete all", maps+"?labelSelector=hook%3Dpatch"), gone(mutating+"/story"), post("", maps+"?dryRun=All", object("deny", "x")).until(`"hook":"deny"`), drop("", maps).silent())
	var checking []hookOf
	for _, h := range changing {
		switch h.name {
		case "patch", "deny", "deny-why", "deny-code", "warn", "deny-warn", "audit", "broken", "broken-ignored", "slow", "slow-ignored", "html", "other-uid", "no-response", "when-error", "when-error-ignored", "when-false", "refused", "refused-ignored", "patch-odd":
			checking = append(checking, h)
		}
	}
	checking = append(checking, hookOf{"echo", "echo-refuse", `"sideEffects":"NoneOnDryRun"`}, hookOf{"first", "deny-why", `"objectSelector":{"matchLabels":{"hook":"both"}}`}, hookOf{"last", "deny", `"objectSelector":{"matchLabels":{"hook":"both"}}`})
	steps = append(steps, post("configure checks", validating, configuration("ValidatingWebhookConfiguration", checking)), post("", maps+"?dryRun=All", object("deny-why", "x")).until("because"), post("", maps+"?dryRun=All", object("deny", "x")).until("denied"))
	for _, h := range checking {
		steps = append(steps, post("check "+h.name, maps, object(h.name, "x")), post("try check "+h.name, maps+"?dryRun=All", strings.Replace(object(h.name, "x"), `"name":"`, `"name":"tried-`, 1)))
	}
	steps = append(steps, merge("check change", maps+"/warn", `{"data":{"k":"y"}}`), drop("check delete", maps+"/warn"), merge("to denied", maps+"/audit", `{"metadata":{"labels":{"hook":"deny"}}}`), merge("to echo", maps+"/audit", `{"metadata":{"labels":{"hook":"echo"}}}`), drop("check delete all", maps), gone(validating+"/story"), drop("", ns+"/pods/p?gracePeriodSeconds=0").silent())
	return story{"Webhooks", steps}
}

// conversions reads and writes a custom resource in two versions, with a webhook between them that works, fails or lies.
func conversions() story {
	const all, name = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "turns.story.example.org"
	const v1, v2 = "/apis/story.example.org/v1/namespaces/default/turns", "/apis/story.example.org/v2/namespaces/default/turns"
	version := func(name, more string) string {
		return fmt.Sprintf(`{"name":%q,"served":true,"storage":%t,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","required":["size"],"properties":{"size":{"type":"integer"},"by":{"type":"string"}}}}}}%s}`, name, name == "v1", more)
	}
	strategy := func(path string) string {
		return fmt.Sprintf(`{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"{{hook}}/%s","caBundle":"{{ca}}"}}}`, path)
	}
	definition := fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":%q},"spec":{"group":"story.example.org","scope":"Namespaced","names":{"plural":"turns","singular":"turn","kind":"Turn","listKind":"TurnList"},"conversion":%s,"versions":[%s,%s]}}`, name, strategy("convert"), version("v1", ""), version("v2", `,"subresources":{"status":{}},"additionalPrinterColumns":[{"name":"By","type":"string","jsonPath":".spec.by"}]`))
	object := func(version, name string, size int) string {
		return fmt.Sprintf(`{"apiVersion":"story.example.org/%s","kind":"Turn","metadata":{"name":%q,"labels":{"a":"b"}},"spec":{"size":%d}}`, version, name, size)
	}
	steps := []step{gone(all + "/" + name), {method: http.MethodGet, path: all + "?fieldSelector=metadata.name%3D" + name, await: `"items":[]`}, post("define", all, definition).silent(),
		{method: http.MethodGet, path: v1, await: "TurnList"}, {method: http.MethodGet, path: v2, await: "TurnList"}, get("definition", all+"/"+name), get("the version before", v1).keeping("since", "metadata.resourceVersion"),
		post("create", v1, object("v1", "t", 1)), get("read", v1+"/t"), get("read converted", v2+"/t"), get("list converted", v2), get("table converted", v2).showing(table), get("metadata converted", v2+"/t").showing(meta), post("create converted", v2, object("v2", "u", 2)), get("created converted", v1+"/u"), merge("change converted", v2+"/t", `{"spec":{"size":5}}`), get("changed", v1+"/t"), step{name: "apply converted", method: http.MethodPatch, path: v2 + "/t?fieldManager=m&force=true", contentType: applyPatch, body: object("v2", "t", 7)}, get("applied", v1+"/t"), merge("status converted", v2+"/t/status", `{"status":{"a":"b"}}`), put("put converted", v2+"/t?dryRun=All", object("v2", "t", 9)), post("bad converted", v2, `{"apiVersion":"story.example.org/v2","kind":"Turn","metadata":{"name":"x"},"spec":{"size":"y"}}`), get("watch converted", v2+"?watch=1&timeoutSeconds=1&resourceVersion={{since}}"),
	}
	for _, b := range []string{"convert-labels", "convert-fail", "convert-fail-quietly", "convert-few", "convert-many", "convert-name", "convert-version", "convert-kind", "convert-bad-labels", "convert-finalizers", "convert-metadata", "convert-invalid", "broken", "html", "other-uid", "other-kind", "no-response"} {
		steps = append(steps, merge("now "+b, all+"/"+name, fmt.Sprintf(`{"spec":{"conversion":%s},"metadata":{"annotations":{"now":%q}}}`, strategy(b), b)).silent())
		// The server takes the other address a moment later: the answer to a write in the other version shows when.
		steps = append(steps, step{method: http.MethodGet, path: all + "/" + name, await: b}, step{method: http.MethodGet, path: v2 + "/t?settle=" + b, await: settled[b]},
			get("read by "+b, v2+"/t"), get("list by "+b, v2), post("create by "+b, v2+"?dryRun=All", object("v2", "y", 3)), merge("change by "+b, v2+"/t?dryRun=All", `{"spec":{"size":6}}`), get("read stored by "+b, v1+"/t"), get("watch by "+b, v2+"?watch=1&timeoutSeconds=1"))
	}
	return story{"Conversions", append(steps, merge("good again", all+"/"+name, fmt.Sprintf(`{"spec":{"conversion":%s}}`, strategy("convert"))).silent(), step{method: http.MethodGet, path: v2 + "/t", await: "webhook to"}, drop("delete converted", v2+"/t"), drop("collection converted", v2), gone(all+"/"+name))}
}

// settled is a word that shows that a behaviour of the webhook has come to both servers.
var settled = map[string]string{"convert-labels": `"converted":"yes"`, "convert-fail": "will not", "convert-fail-quietly": "", "convert-few": "expected", "convert-many": "expected", "convert-name": "name", "convert-version": "v9", "convert-kind": "Other", "convert-bad-labels": "label", "convert-finalizers": "", "convert-metadata": "metadata", "convert-invalid": "text", "broken": "broken", "html": "", "other-uid": "uid", "other-kind": "Other", "no-response": "response"}
