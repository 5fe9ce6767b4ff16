package oracle

import "net/http"

const customDefinition = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.story.example.org"},"spec":{
 "group":"story.example.org","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList","shortNames":["wd"],"categories":["all"]},
 "versions":[
  {"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
   "selectableFields":[{"jsonPath":".spec.color"}],
   "additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color","description":"The color."},{"name":"Size","type":"integer","jsonPath":".spec.size","priority":1},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
   "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
    "spec":{"type":"object","required":["size"],"x-kubernetes-validations":[{"rule":"self.size < 100 || self.color == 'red'","message":"big ones are red","fieldPath":".size"},{"rule":"!has(oldSelf.name) || self.name == oldSelf.name","message":"name stays","optionalOldSelf":false}],
     "properties":{"size":{"type":"integer","minimum":1,"maximum":1000},"replicas":{"type":"integer","format":"int32","default":1},"name":{"type":"string","maxLength":5,"pattern":"^[a-z]*$"},
      "color":{"type":"string","enum":["red","green"],"default":"green"},"ratio":{"type":"number","multipleOf":0.5},"when":{"type":"string","format":"date-time"},
      "either":{"x-kubernetes-int-or-string":true},"free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"maybe":{"type":"string","nullable":true},
      "tags":{"type":"array","maxItems":3,"x-kubernetes-list-type":"set","items":{"type":"string"}},
      "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["id"],"items":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"weight":{"type":"integer","default":7}}}},
      "settings":{"type":"object","additionalProperties":{"type":"integer"}},
      "inner":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}},
    "status":{"type":"object","properties":{"replicas":{"type":"integer"},"selector":{"type":"string"},"phase":{"type":"string"}}}}}}},
  {"name":"v2","served":true,"storage":false,"deprecated":true,"deprecationWarning":"use v1","schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`

// customResources leads objects of a defined kind through their lives.
func customResources() story {
	const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	const all, p = "/apis/story.example.org/v1/namespaces/default/widgets", "/apis/story.example.org/v1/namespaces/default/widgets/w"
	const v2 = "/apis/story.example.org/v2/namespaces/default/widgets"
	tried := func(name, spec string) step {
		return post("try "+name, all+"?dryRun=All", `{"apiVersion":"story.example.org/v1","kind":"Widget","metadata":{"name":"x"},"spec":`+spec+`}`)
	}
	changed := func(name, spec string) step { return merge("change "+name, p+"?dryRun=All", `{"spec":`+spec+`}`) }
	applied := func(name, manager, body string) step {
		return step{name: name, method: http.MethodPatch, path: p + "?" + manager, contentType: applyPatch, body: body}
	}
	const head = `{"apiVersion":"story.example.org/v1","kind":"Widget","metadata":{"name":"w"}`
	return story{"Custom resources", []step{
		gone(p), gone(definition + "/widgets.story.example.org"), {method: http.MethodGet, path: definition + "?fieldSelector=metadata.name%3Dwidgets.story.example.org", await: `"items":[]`},
		post("define", definition, customDefinition).silent(),
		{method: http.MethodGet, path: definition + "/widgets.story.example.org", await: `"reason":"InitialNamesAccepted"`},
		{method: http.MethodGet, path: all, await: "WidgetList"}, {method: http.MethodGet, path: v2, await: "WidgetList"},
		get("definition", definition+"/widgets.story.example.org"), get("group", "/apis/story.example.org"), get("resources", "/apis/story.example.org/v1"), get("empty list", all), get("empty table", all).showing(table),
		tried("nothing", `{}`), tried("no spec", `null`), tried("small", `{"size":0}`), tried("big", `{"size":5000}`), tried("big and red", `{"size":500,"color":"red"}`), tried("big and green", `{"size":500}`), tried("text", `{"size":"x"}`),
		tried("fraction", `{"size":1.5}`), tried("odd color", `{"size":1,"color":"blue"}`), tried("long name", `{"size":1,"name":"abcdefgh"}`), tried("odd name", `{"size":1,"name":"A"}`), tried("ratio", `{"size":1,"ratio":0.3}`),
		tried("when", `{"size":1,"when":"today"}`), tried("either", `{"size":1,"either":true}`), tried("either text", `{"size":1,"either":"5%"}`), tried("null", `{"size":1,"maybe":null,"color":null}`), tried("pruned", `{"size":1,"unknown":{"a":1},"free":{"kept":{"a":1}}}`),
		tried("tags", `{"size":1,"tags":["a","a"]}`), tried("many tags", `{"size":1,"tags":["a","b","c","d"]}`), tried("parts", `{"size":1,"parts":[{"id":"a"},{"id":"a"}]}`), tried("part without id", `{"size":1,"parts":[{"weight":1}]}`),
		tried("defaults in parts", `{"size":1,"parts":[{"id":"a"}]}`), tried("settings", `{"size":1,"settings":{"a":"b"}}`), tried("inner", `{"size":1,"inner":{"a":1}}`), tried("inner object", `{"size":1,"inner":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"A b"},"x":1}}`),
		post("strict", all+"?dryRun=All&fieldValidation=Strict", `{"apiVersion":"story.example.org/v1","kind":"Widget","metadata":{"name":"x","odd":1},"spec":{"size":1,"unknown":1}}`),
		post("warn", all+"?dryRun=All&fieldValidation=Warn", `{"apiVersion":"story.example.org/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"size":1,"unknown":1,"size":2}}`),
		post("bad name", all+"?dryRun=All", `{"apiVersion":"story.example.org/v1","kind":"Widget","metadata":{"name":"A b"},"spec":{"size":1}}`), post("no name", all+"?dryRun=All", `{"apiVersion":"story.example.org/v1","kind":"Widget","spec":{"size":1}}`),
		post("other kind", all+"?dryRun=All", `{"apiVersion":"story.example.org/v1","kind":"Gadget","metadata":{"name":"x"},"spec":{"size":1}}`), post("other version", all+"?dryRun=All", `{"apiVersion":"story.example.org/v2","kind":"Widget","metadata":{"name":"x"},"spec":{"size":1}}`),
		post("create", all, head+`,"spec":{"size":5,"name":"a","parts":[{"id":"a"}],"tags":["x"]},"status":{"phase":"ignored"}}`), post("create again", all, head+`,"spec":{"size":5}}`),
		get("read", p), get("table", p).showing(table), get("metadata", p).showing(meta), get("read v2", v2+"/w"), get("table v2", v2).showing(table), get("by color", all+"?fieldSelector=spec.color%3Dgreen"), get("by another color", all+"?fieldSelector=spec.color%3Dred"), get("by size", all+"?fieldSelector=spec.size%3D5"),
		changed("name", `{"name":"b"}`), changed("no name", `{"name":null}`), changed("size", `{"size":7}`), changed("too big", `{"size":700}`), changed("color", `{"color":null}`), changed("nothing", `{}`),
		merge("status by main", p, `{"status":{"phase":"x"}}`), merge("status", p+"/status", `{"status":{"phase":"Ready","replicas":2,"selector":"a=b","odd":1},"spec":{"size":9}}`), merge("bad status", p+"/status", `{"status":{"replicas":"x"}}`), get("status", p+"/status"),
		get("scale", p+"/scale"), merge("scale up", p+"/scale", `{"spec":{"replicas":4}}`), merge("scale negative", p+"/scale", `{"spec":{"replicas":-4}}`), get("scale table", p+"/scale").showing(table), get("scaled", p),
		strategic("strategic", p, `{"spec":{"size":6}}`), {name: "json", method: http.MethodPatch, path: p, contentType: jsonPatch, body: `[{"op":"replace","path":"/spec/size","value":8}]`},
		applied("apply", "fieldManager=one", head+`,"spec":{"size":9,"parts":[{"id":"b","weight":3}],"tags":["y"]}}`), applied("apply, forced", "fieldManager=one&force=true", head+`,"spec":{"size":9,"parts":[{"id":"b","weight":3}],"tags":["y"]}}`),
		applied("apply by two", "fieldManager=two", head+`,"spec":{"size":10,"parts":[{"id":"c"}]}}`), applied("apply less", "fieldManager=one&force=true", head+`,"spec":{"size":9}}`), applied("apply invalid", "fieldManager=two&force=true", head+`,"spec":{"size":-1}}`),
		put("no version", p, head+`,"spec":{"size":9}}`), put("put v2", v2+"/w", `{"apiVersion":"story.example.org/v2","kind":"Widget","metadata":{"name":"w"},"spec":{"size":11,"odd":1}}`), get("after v2", p),
		merge("owner", p, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a","uid":"b"}],"finalizers":["short"]}}`), merge("hold", p, `{"metadata":{"finalizers":["a.b/c"]}}`),
		drop("delete", p), get("held", p), merge("change while held", p, `{"spec":{"size":12}}`), merge("let go", p, `{"metadata":{"finalizers":null}}`), get("gone", p),
		drop("collection", all), drop("undefine", definition+"/widgets.story.example.org").silent(),
	}}
}
