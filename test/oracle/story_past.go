package oracle

import (
	"fmt"
	"net/http"
)

// past reads, watches and pages through what the stores have forgotten.
func past() story {
	const ns = "/api/v1/namespaces/story-past"
	const custom, definition = "/apis/past.example.org/v1/namespaces/story-past/relics", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	steps := []step{post("namespace", "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"story-past"}}`).silent(),
		post("define", definition, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"relics.past.example.org"},"spec":{"group":"past.example.org","scope":"Namespaced","names":{"plural":"relics","kind":"Relic"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`).silent(),
		get("", custom).until("RelicList")}
	kinds := []struct{ path, body string }{
		{ns + "/configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"}}`},
		{ns + "/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"m%d"}}`},
		{ns + "/events", `{"apiVersion":"v1","kind":"Event","metadata":{"name":"m%d"},"involvedObject":{"namespace":"story-past"}}`},
		{custom, `{"apiVersion":"past.example.org/v1","kind":"Relic","metadata":{"name":"m%d"}}`},
	}
	for i, k := range kinds {
		for n := range 4 {
			steps = append(steps, drop("", fmt.Sprintf("%s/m%d", k.path, n)).silent(), post(fmt.Sprintf("create %d of %s", n, k.path), k.path, fmt.Sprintf(k.body, n)).keeping(fmt.Sprintf("v%d-%d", i, n), "metadata.resourceVersion"))
		}
		token, exact := fmt.Sprintf("token%d", i), fmt.Sprintf("exact%d", i)
		steps = append(steps, get("page of "+k.path, k.path+"?limit=2").keeping(token, "metadata.continue"), get("exact page of "+k.path, fmt.Sprintf("%s?limit=2&resourceVersion={{v%d-2}}&resourceVersionMatch=Exact", k.path, i)).keeping(exact, "metadata.continue"))
	}
	for i, k := range kinds {
		steps = append(steps, merge("change "+k.path, k.path+"/m3", `{"metadata":{"labels":{"a":"b"}}}`), drop("delete of "+k.path, k.path+"/m2"), get("next page before it is forgotten, "+k.path, fmt.Sprintf("%s?limit=1&continue={{token%d}}", k.path, i)))
	}
	steps = append(steps, step{name: "forget", compact: true})
	for i, k := range kinds {
		q := func(name, query string) step { return get(name+" of "+k.path, k.path+"?"+query) }
		token, exact, old := fmt.Sprintf("{{token%d}}", i), fmt.Sprintf("{{exact%d}}", i), fmt.Sprintf("{{v%d-1}}", i)
		again := fmt.Sprintf("again%d", i)
		steps = append(steps, q("forgotten page", "limit=2&continue="+token).keeping(again, "metadata.continue"), q("forgotten rest", "continue="+token), q("forgotten exact page", "limit=2&continue="+exact), q("forgotten page as table", "limit=2&continue="+token).showing(table), q("forgotten page in protobuf", "limit=2&continue="+token).showing(protobufType), q("forgotten page, selected", "limit=2&labelSelector=a%3Db&continue="+token),
			q("forgotten version", "resourceVersionMatch=Exact&resourceVersion="+old), q("forgotten version, paged", "limit=1&resourceVersion="+old), q("forgotten version, exact and paged", "limit=1&resourceVersionMatch=Exact&resourceVersion="+old), q("not older", "resourceVersionMatch=NotOlderThan&resourceVersion="+old), q("version one", "resourceVersionMatch=Exact&resourceVersion=1"),
			q("watch from the forgotten", "watch=1&timeoutSeconds=1&resourceVersion="+old), q("watch from one", "watch=1&timeoutSeconds=1&resourceVersion=1"), q("watch from one as table", "watch=1&timeoutSeconds=1&resourceVersion=1").showing(table), q("watch from one in protobuf", "watch=1&timeoutSeconds=1&resourceVersion=1").showing(protobufStream), q("watch with initial events from the forgotten", "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion="+old),
			q("future list", "resourceVersion=99999999&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"), q("future exact", "resourceVersion=99999999&resourceVersionMatch=Exact"), q("future watch", "watch=1&timeoutSeconds=1&resourceVersion=99999999"), get("future of one, "+k.path, k.path+"/m3?resourceVersion=99999999"), get("past of one, "+k.path, k.path+"/m3?resourceVersion=1"), get("odd of one, "+k.path, k.path+"/m3?resourceVersion=x"),
			get("zero of a missing one, "+k.path, k.path+"/none?resourceVersion=0"), drop("delete with a forgotten page, "+k.path, k.path+"?limit=1&continue="+token), drop("delete at a forgotten version, "+k.path, k.path+"?resourceVersion="+old+"&resourceVersionMatch=Exact"), drop("delete with a version too large, "+k.path, k.path+"?resourceVersion=99999999&resourceVersionMatch=NotOlderThan"),
			step{name: "update of the forgotten, " + k.path, method: http.MethodPatch, path: k.path + "/m3", contentType: mergePatch, body: `{"metadata":{"resourceVersion":"` + old + `","labels":{"c":"d"}}}`}, step{name: "delete of the forgotten, " + k.path, method: http.MethodDelete, path: k.path + "/m3", body: `{"preconditions":{"resourceVersion":"` + old + `"}}`})
	}
	return story{"Past", append(steps, drop("", ns).silent(), gone(definition+"/relics.past.example.org"))}
}
