package oracle

import "net/url"

const (
	metaList       = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
	jsonStream     = "application/json;stream=watch"
	protobufStream = "application/vnd.kubernetes.protobuf;stream=watch"
)

// watches follows what happened since a version: every form of event, of version and of selection.
func watches() story {
	const maps, pods = namespaced + "configmaps", namespaced + "pods"
	const a, b, p = maps + "/watched-a", maps + "/watched-b", pods + "/watched-p"
	const since = "watch=1&timeoutSeconds=1&resourceVersion={{since}}"
	watch := func(name, path, query string) step { return get("watch "+name, path+"?"+query) }
	selected := func(key, value string) string { return "&" + key + "=" + url.QueryEscape(value) }
	mapBody := func(name, value string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + name + `","labels":{"watched":"` + value + `"}},"data":{"k":"v"}}`
	}
	steps := []step{
		gone(a), gone(b), gone(p),
		get("the version before", maps+"?labelSelector=watched").keeping("since", "metadata.resourceVersion"),
		post("create", maps, mapBody("watched-a", "x")), merge("change", a, `{"data":{"k":"w"}}`), merge("other label", a, `{"metadata":{"labels":{"watched":"y"}}}`), merge("label again", a, `{"metadata":{"labels":{"watched":"x"}}}`),
		post("create another", maps, mapBody("watched-b", "x")), merge("hold", b, `{"metadata":{"finalizers":["a.b/c"]}}`), drop("delete", b), merge("let go", b, `{"metadata":{"finalizers":null}}`),
		post("pod", pods, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"watched-p","labels":{"watched":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`),
		post("bind", p+"/binding", `{"apiVersion":"v1","kind":"Binding","metadata":{"name":"watched-p"},"target":{"kind":"Node","name":"watched-n"}}`),
		merge("runs", p+"/status", `{"status":{"phase":"Running","podIP":"10.1.2.3","podIPs":[{"ip":"10.1.2.3"}]}}`), merge("ended", p+"/status", `{"status":{"phase":"Succeeded"}}`), drop("away", p+"?gracePeriodSeconds=0"),
		{path: maps + "?watch=1&timeoutSeconds=1&resourceVersion={{since}}&labelSelector=watched", method: "GET", await: `"DELETED"`},
	}
	steps = append(steps,
		watch("all", maps, since+"&labelSelector=watched"), watch("label x", maps, since+selected("labelSelector", "watched=x")), watch("label y", maps, since+selected("labelSelector", "watched=y")), watch("not x", maps, since+selected("labelSelector", "watched,watched!=x")),
		watch("name a", maps, since+selected("fieldSelector", "metadata.name=watched-a")), watch("not name a", maps, since+"&labelSelector=watched"+selected("fieldSelector", "metadata.name!=watched-a")), watch("everywhere", "/api/v1/configmaps", since+"&labelSelector=watched"),
		watch("namespace as field", "/api/v1/configmaps", since+"&labelSelector=watched"+selected("fieldSelector", "metadata.namespace=default")), watch("another namespace", "/api/v1/namespaces/other/configmaps", since),
		watch("unknown field", maps, since+selected("fieldSelector", "data.k=v")), watch("bad label", maps, since+selected("labelSelector", "a b")),
		watch("one by its path", a, since), watch("one that is gone", b, since), watch("one by another name", a, since+selected("fieldSelector", "metadata.name=watched-b")),
		get("old path", "/api/v1/watch/namespaces/default/configmaps?timeoutSeconds=1&resourceVersion={{since}}&labelSelector=watched"), get("old path of one", "/api/v1/watch/namespaces/default/configmaps/watched-a?timeoutSeconds=1&resourceVersion={{since}}"),
		watch("pods of the node", pods, since+selected("fieldSelector", "spec.nodeName=watched-n")), watch("pods without node", pods, since+selected("fieldSelector", "spec.nodeName=")+"&labelSelector=watched"), watch("running pods", pods, since+selected("fieldSelector", "status.phase=Running")+"&labelSelector=watched"),
		watch("pods that did not end", pods, since+selected("fieldSelector", "status.phase!=Succeeded,status.phase!=Failed")+"&labelSelector=watched"),
		watch("pods of the node, everywhere", "/api/v1/pods", since+selected("fieldSelector", "spec.nodeName=watched-n")),
		watch("table", maps, since+"&labelSelector=watched").showing(table), watch("table of pods", pods, since+"&labelSelector=watched").showing(table), watch("table with objects", maps, since+"&labelSelector=watched&includeObject=Object").showing(table), watch("table without objects", maps, since+"&labelSelector=watched&includeObject=None").showing(table),
		watch("metadata", maps, since+"&labelSelector=watched").showing(meta), watch("metadata, asked for as a list", maps, since+"&labelSelector=watched").showing(metaList), watch("protobuf", maps, since+"&labelSelector=watched").showing(protobufType), watch("protobuf stream", maps, since+"&labelSelector=watched").showing(protobufStream),
		watch("json stream", maps, since+"&labelSelector=watched").showing(jsonStream), watch("metadata in protobuf", maps, since+"&labelSelector=watched").showing(protobufType+";as=PartialObjectMetadata;v=v1;g=meta.k8s.io"), watch("yaml", maps, since+"&labelSelector=watched").showing(yamlType),
		watch("cbor", maps, since+"&labelSelector=watched").showing("application/cbor-seq"), watch("cbor or json", maps, since+"&labelSelector=watched").showing("application/cbor-seq,application/json"), watch("html", maps, since).showing("text/html"), watch("pretty", maps, since+"&labelSelector=watched&pretty=true"),
		watch("no version", maps, "watch=1&timeoutSeconds=1&labelSelector=watched"), watch("version 0", maps, "watch=1&timeoutSeconds=1&resourceVersion=0&labelSelector=watched"), watch("version 1", maps, "watch=1&timeoutSeconds=1&resourceVersion=1&labelSelector=watched"), watch("odd version", maps, "watch=1&timeoutSeconds=1&resourceVersion=x"),
		watch("negative version", maps, "watch=1&timeoutSeconds=1&resourceVersion=-1"), watch("version 1 of pods", pods, "watch=1&timeoutSeconds=1&resourceVersion=1"), watch("version 1 of custom definitions", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "watch=1&timeoutSeconds=1&resourceVersion=1&fieldSelector=metadata.name%3Dnone"),
		watch("version 1 of events", namespaced+"events", "watch=1&timeoutSeconds=1&resourceVersion=1&fieldSelector=metadata.name%3Dnone"), watch("true", maps, "watch=true&timeoutSeconds=1&resourceVersion={{since}}&labelSelector=watched"), watch("false", maps, "watch=false&timeoutSeconds=1&labelSelector=watched"), watch("odd", maps, "watch=odd&timeoutSeconds=1&labelSelector=watched"),
		watch("with limit", maps, since+"&limit=1&labelSelector=watched"), watch("with continue", maps, since+"&continue=x"), watch("odd timeout", maps, "watch=1&timeoutSeconds=x"), watch("odd bookmarks", maps, since+"&allowWatchBookmarks=odd&labelSelector=watched"), watch("bookmarks", maps, since+"&allowWatchBookmarks=true&labelSelector=watched"),
	)
	const initial = "watch=1&timeoutSeconds=1&labelSelector=watched&sendInitialEvents=true"
	steps = append(steps,
		watch("initial events", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"), watch("initial events, version 0", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=0"), watch("initial events since", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion={{since}}"),
		watch("initial events without bookmarks", maps, initial+"&resourceVersionMatch=NotOlderThan"), watch("initial events without match", maps, initial+"&allowWatchBookmarks=true"), watch("initial events, exact", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=Exact&resourceVersion={{since}}"), watch("initial events, odd match", maps, initial+"&resourceVersionMatch=Odd"),
		watch("initial events, odd version", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=x"), watch("no initial events", maps, "watch=1&timeoutSeconds=1&labelSelector=watched&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"), watch("no initial events since", maps, since+"&labelSelector=watched&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"),
		watch("match without initial events", maps, since+"&resourceVersionMatch=NotOlderThan"), watch("odd initial events", maps, "watch=1&timeoutSeconds=1&sendInitialEvents=odd"), watch("initial events as table", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan").showing(table),
		watch("initial events as metadata", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan").showing(meta), watch("initial events in protobuf", maps, initial+"&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan").showing(protobufType),
		watch("initial events of definitions", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"),
		watch("initial events of services of the aggregator", "/apis/apiregistration.k8s.io/v1/apiservices", "watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dv1.&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"),
		watch("by mallory", maps, since).by("mallory"), watch("bindings", namespaced+"bindings", since), watch("component statuses", "/api/v1/componentstatuses", since), watch("leases", "/apis/coordination.k8s.io/v1/namespaces/none/leases", since), watch("the future", maps, "watch=1&timeoutSeconds=1&resourceVersion=99999999999"),
	)
	return story{"Watches", append(steps, gone(a), gone(b), gone(p))}
}
