package oracle

import (
	"encoding/base64"
	"fmt"
	"net/http"
)

// lists reads collections in parts, at versions, and in forms.
func lists() story {
	const ns = "/api/v1/namespaces/story-lists"
	const maps = ns + "/configmaps"
	token := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	steps := []step{post("namespace", "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"story-lists"}}`).silent()}
	for i := range 7 {
		steps = append(steps, gone(fmt.Sprintf("%s/m%d", maps, i)))
	}
	for i := range 7 {
		steps = append(steps, post(fmt.Sprintf("create %d", i), maps, fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d","labels":{"odd":"%d"}}}`, i, i%2)))
	}
	list := func(name, query string) step { return get(name, maps+query) }
	steps = append(steps,
		list("all", "").keeping("now", "metadata.resourceVersion"),
		list("two", "?limit=2").keeping("c1", "metadata.continue"), list("two more", "?limit=2&continue={{c1}}").keeping("c2", "metadata.continue"), list("three", "?limit=3&continue={{c2}}"), list("the rest without limit", "?continue={{c1}}"),
		list("all in one", "?limit=7"), list("more than all", "?limit=500"), list("none", "?limit=0"), list("negative", "?limit=-1"), list("odd limit", "?limit=x"), list("large", "?limit=99999999999999999999"),
		list("selected", "?limit=2&labelSelector=odd%3D1").keeping("c3", "metadata.continue"), list("selected on", "?limit=2&labelSelector=odd%3D1&continue={{c3}}"), list("other selector", "?limit=2&labelSelector=odd%3D0&continue={{c3}}"),
		list("table", "?limit=3").showing(table), list("metadata", "?limit=3").showing(metaList), list("metadata of one for a list", "?limit=3").showing(meta), list("protobuf", "?limit=3").showing(protobufType), list("yaml", "?limit=1").showing(yamlType), list("table on", "?limit=2&continue={{c1}}").showing(table),
		list("from the cache", "?resourceVersion=0"), list("from the cache, two", "?resourceVersion=0&limit=2"), list("not older", "?resourceVersion={{now}}&resourceVersionMatch=NotOlderThan"), list("not older, implied", "?resourceVersion={{now}}"), list("exact", "?resourceVersion={{now}}&resourceVersionMatch=Exact"),
		list("exact, two", "?resourceVersion={{now}}&resourceVersionMatch=Exact&limit=2").keeping("c4", "metadata.continue"), list("exact on", "?limit=2&continue={{c4}}"), list("implied, two", "?resourceVersion={{now}}&limit=2"), list("not older, two", "?resourceVersion={{now}}&limit=2&resourceVersionMatch=NotOlderThan"),
		list("exact 0", "?resourceVersion=0&resourceVersionMatch=Exact"), list("not older, 0", "?resourceVersion=0&resourceVersionMatch=NotOlderThan"), list("not older without version", "?resourceVersionMatch=NotOlderThan"), list("exact 1", "?resourceVersion=1&resourceVersionMatch=Exact"), list("exact, future", "?resourceVersion=99999999&resourceVersionMatch=Exact"),
		list("odd match", "?resourceVersion={{now}}&resourceVersionMatch=odd"), list("match alone", "?resourceVersionMatch=Exact"), list("odd version", "?resourceVersion=x"), list("negative version", "?resourceVersion=-1"), list("huge version", "?resourceVersion=99999999999999999999"),
		list("continue with version", "?limit=2&continue={{c1}}&resourceVersion={{now}}"), list("continue with version 0", "?limit=2&continue={{c1}}&resourceVersion=0"), list("continue with match", "?limit=2&continue={{c1}}&resourceVersionMatch=Exact"), list("continue with both", "?limit=2&continue={{c1}}&resourceVersion={{now}}&resourceVersionMatch=Exact"),
		list("continue, odd", "?limit=2&continue=x"), list("continue, no text", "?limit=2&continue=%25%25"), list("continue, no object", "?limit=2&continue="+token("x")), list("continue, empty object", "?limit=2&continue="+token("{}")),
		list("continue, other version", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v9","rv":5,"start":"a"}`)), list("continue, version 0", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":0,"start":"m1"}`)), list("continue, no start", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":5}`)),
		list("continue, climbing", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":5,"start":"../x"}`)), list("continue, absolute", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":5,"start":"/x"}`)), list("continue, latest", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":-1,"start":"m3\u0000"}`)), list("continue, version 1", "?limit=2&continue="+token(`{"v":"meta.k8s.io/v1","rv":1,"start":"m3\u0000"}`)),
		list("continue of others", "?limit=2&continue={{c1}}").by("mallory"), get("continue of another resource", ns+"/secrets?limit=2&continue={{c1}}"),
		list("pretty", "?limit=1&pretty=true"), list("pretty, odd", "?limit=1&pretty=odd"), list("unknown parameter", "?limit=1&unknown=x"), list("doubled parameter", "?limit=1&limit=2"), list("timeout", "?limit=1&timeoutSeconds=5"), list("odd timeout", "?limit=1&timeoutSeconds=x"), list("odd timeout of the request", "?limit=1&timeout=x"), list("timeout of the request", "?limit=1&timeout=5s"),
		list("in", "?labelSelector=odd%20in%20(0,1)"), list("not in", "?labelSelector=odd%20notin%20(0)"), list("there", "?labelSelector=odd"), list("not there", "?labelSelector=!odd"), list("double equals", "?labelSelector=odd%3D%3D1"), list("greater", "?labelSelector=odd%3E0"), list("bad in", "?labelSelector=odd%20in%20()"), list("bad key", "?labelSelector=-%3D1"), list("bad value", "?labelSelector=a%3D-"),
		list("name", "?fieldSelector=metadata.name%3Dm1"), list("name not", "?fieldSelector=metadata.name!%3Dm1"), list("namespace", "?fieldSelector=metadata.namespace%3Dstory-lists"), list("names", "?fieldSelector=metadata.name%3Dm1,metadata.name%3Dm2"), list("bad field", "?fieldSelector=metadata.name"), list("name and path", "?fieldSelector=metadata.name%3Da%252Fb"),
		get("one from the cache", maps+"/m1?resourceVersion=0"), get("one, not older", maps+"/m1?resourceVersion={{now}}"), get("one, odd version", maps+"/m1?resourceVersion=x"), get("missing from the cache", maps+"/none?resourceVersion=0"), get("one of the future", maps+"/m1?resourceVersion=99999999"), get("all of the future", maps+"?resourceVersion=99999999"),
		step{name: "head", method: http.MethodHead, path: maps + "/m1"}, step{name: "head of all", method: http.MethodHead, path: maps},
		drop("two of them", maps+"?limit=2&labelSelector=odd%3D0"), list("left", ""), drop("by version", maps+"?resourceVersion={{now}}"), list("left then", ""), drop("with options", maps).with("Content-Type", jsonType), list("left at last", ""),
	)
	return story{"Lists", steps}
}
