package oracle

import (
	"fmt"
	"net/http"
)

// aggregation registers API servers that work, and such as fail in every way, and asks for what is theirs.
func aggregation() story {
	const all, services = "/apis/apiregistration.k8s.io/v1/apiservices", namespaced + "services"
	service := func(name, target string) step {
		return post("service "+name, services, fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":%q},"spec":{%s}}`, name, target)).silent()
	}
	register := func(group, version, spec string) step {
		return post("register "+group, all, fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"%s.%s"},"spec":{"group":%q,"version":%q,"groupPriorityMinimum":1000,"versionPriority":15,%s}}`, version, group, group, version, spec))
	}
	behind := func(service, rest string) string {
		return fmt.Sprintf(`"service":{"namespace":"default","name":%q,"port":{{backendPort}}},%s`, service, rest)
	}
	const trusting = `"insecureSkipTLSVerify":true`
	groups := []struct{ group, spec, wait string }{
		{"works.example.org", behind("backend", trusting), `"reason":"Passed"`}, {"sick.example.org", behind("backend", trusting), `"reason":"FailedDiscoveryCheck"`}, {"closed.example.org", behind("backend", trusting), `"reason":"FailedDiscoveryCheck"`}, {"cut.example.org", behind("backend", trusting), `"reason":"FailedDiscoveryCheck"`}, {"html.example.org", behind("backend", trusting), `"reason":"Passed"`},
		{"untrusted.example.org", behind("backend", `"caBundle":"{{ca}}"`), `"reason":"FailedDiscoveryCheck"`}, {"missing.example.org", behind("backend-none", trusting), `"reason":"ServiceNotFound"`}, {"refused.example.org", `"service":{"namespace":"default","name":"backend","port":1},` + trusting, `"reason":"FailedDiscoveryCheck"`},
		{"portless.example.org", `"service":{"namespace":"default","name":"backend-ports","port":444},` + trusting, `"reason":"ServicePortError"`}, {"endless.example.org", `"service":{"namespace":"default","name":"backend-ports","port":443},` + trusting, `"reason":"EndpointsNotFound"`}, {"headless.example.org", `"service":{"namespace":"default","name":"backend-headless","port":443},` + trusting, `"reason":"`},
	}
	steps := []step{gone(services + "/backend"), gone(services + "/backend-ports"), gone(services + "/backend-headless")}
	for _, g := range groups {
		steps = append(steps, gone(all+"/v1."+g.group))
	}
	steps = append(steps, service("backend", `"type":"ExternalName","externalName":"127.0.0.1"`), service("backend-ports", `"ports":[{"port":443}]`), service("backend-headless", `"clusterIP":"None","ports":[{"port":443}]`),
		step{method: http.MethodGet, path: services + "/backend", await: "ExternalName"})
	for _, g := range groups {
		steps = append(steps, register(g.group, "v1", g.spec), get("", all+"/v1."+g.group).until(g.wait), get("registration of "+g.group, all+"/v1."+g.group), get("registration of "+g.group+" as table", all+"/v1."+g.group).showing(table))
	}
	steps = append(steps, get("", "/apis").until(`"name":"works.example.org"`), get("", "/apis").showing(aggregatedDiscovery).until(`"works.example.org"`), get("", "/apis").showing(aggregatedDiscovery).until(`"resource":"things"`))
	for _, g := range groups {
		base := "/apis/" + g.group
		for _, path := range []string{base, base + "/", base + "/v1", base + "/v1/", base + "/v2", base + "/v1/things", base + "/v1/namespaces/default/things/x?a=b%2Fc&d", base + "/v1/namespaces/default/things?watch=1", "/openapi/v3/apis/" + g.group + "/v1"} {
			steps = append(steps, get("get "+path, path), get("get "+path+", by mallory", path).by("mallory"), get("get "+path+", by nobody", path).through(doorNobody))
		}
		for _, s := range []step{post("post", base+"/v1/namespaces/default/things", `{"a":1}`), put("put", base+"/v1/namespaces/default/things/x", `{"a":1}`), merge("patch", base+"/v1/namespaces/default/things/x", `{"a":1}`), drop("delete", base+"/v1/namespaces/default/things/x"), {name: "head", method: http.MethodHead, path: base + "/v1/things"}, {name: "options", method: http.MethodOptions, path: base + "/v1/things"}} {
			s.name += " " + g.group
			steps = append(steps, s)
		}
	}
	const works = "/apis/works.example.org/v1/"
	for _, path := range []string{"teapot", "redirect", "away", "unavailable", "warning", "status", "a%20b/%2e%2e/c", "things/", "x//y"} {
		steps = append(steps, get("behind: "+path, works+path), get("behind: "+path+", as table", works+path).showing(table), post("behind: post "+path, works+path, `{"a":1}`))
	}
	steps = append(steps, get("cut off", works+"cutting").through(doorUpgrade), get("with headers", works+"things").with("X-Remote-User", "root").with("X-Remote-Group", "system:masters").with("X-Forwarded-For", "1.2.3.4").with("Authorization", "").with("X-Odd", "kept").with("Cookie", "a=b"), get("impersonating", works+"things").by("carol").with("Impersonate-Group", "system:masters").with("Impersonate-Extra-Reason", "because").with("Impersonate-Uid", "u"), get("in protobuf", works+"things").showing(protobufType), get("with audit id", works+"things").with("Audit-ID", "11111111-2222-3333-4444-555555555555"),
		get("upgrade", works+"things").through(doorUpgrade).with("Connection", "Upgrade").with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), get("upgrade of the sick", "/apis/sick.example.org/v1/things").through(doorUpgrade).with("Connection", "Upgrade").with("Upgrade", "SPDY/3.1"),
		get("groups", "/apis"), get("groups, aggregated", "/apis").showing(aggregatedDiscovery), get("groups, aggregated, older", "/apis").showing(olderDiscovery), get("core, aggregated", "/api").showing(aggregatedDiscovery), get("table of all", all).showing(table), get("by label", all+"?labelSelector=kube-aggregator.kubernetes.io%2Fautomanaged").showing(metaList),
		get("ready", "/readyz"), get("ready of aggregation", "/readyz/apiservice-status-available-controller"), get("apiservices of the server", "/healthz/autoregister-completion"),
		merge("status by hand", all+"/v1.works.example.org/status", `{"status":{"conditions":[{"type":"Odd","status":"True","lastTransitionTime":"2020-01-01T00:00:00Z"}]}}`), merge("spec by status", all+"/v1.works.example.org/status", `{"spec":{"versionPriority":99}}`), merge("group", all+"/v1.works.example.org", `{"spec":{"group":"other.example.org"}}`), merge("bundle and trust", all+"/v1.works.example.org", `{"spec":{"caBundle":"{{ca}}"}}`), merge("no service", all+"/v1.works.example.org", `{"spec":{"service":null}}`), merge("bad bundle", all+"/v1.works.example.org", `{"spec":{"insecureSkipTLSVerify":false,"caBundle":"eA=="}}`), merge("priority", all+"/v1.works.example.org", `{"spec":{"versionPriority":1001}}`),
		register("apps", "v1", behind("backend", trusting)), register("works.example.org", "v1", behind("backend", trusting)), register("Bad_Group", "v1", behind("backend", trusting)), register("bare.example.org", "v1", `"x":1`), register("version.example.org", "1v", behind("backend", trusting)), post("other name", all, `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"other"},"spec":{"group":"other.example.org","version":"v1","groupPriorityMinimum":1,"versionPriority":1}}`))
	for _, g := range groups {
		steps = append(steps, drop("withdraw "+g.group, all+"/v1."+g.group))
	}
	steps = append(steps, get("", works+"things").until("404 page not found"), get("withdrawn", works+"things"), get("withdrawn group", "/apis/works.example.org"), get("withdrawn of the sick", "/apis/sick.example.org/v1/things"), gone(services+"/backend"), gone(services+"/backend-ports"), gone(services+"/backend-headless"))
	return story{"Aggregation", steps}
}
