package oracle

import (
	"fmt"
	"net/http"
	"strings"
)

// streams asks for what a kubelet answers: logs, commands, attaching, ports, and the proxies of pods, services and nodes.
func streams() story {
	const node, pods = "/api/v1/nodes/streaming", namespaced + "pods"
	const p = pods + "/streamed"
	behaviours := []string{"works", "exit", "failing", "missing", "forbidden", "broken", "bad", "status", "redirect", "cut", "busy", "plain"}
	var containers []string
	for _, b := range behaviours {
		containers = append(containers, fmt.Sprintf(`{"name":%q,"image":"i"}`, b))
	}
	pod := func(name, node, rest string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"labels":{"streams":"yes"}},"spec":{"nodeName":%q,%s"containers":[%s]}}`, name, node, rest, strings.Join(containers, ","))
	}
	const ws, spdy = "websocket", "SPDY/3.1"
	upgraded := func(s step, protocol, version string) step {
		s = s.through(doorUpgrade).with("Connection", "Upgrade").with("Upgrade", protocol)
		if protocol == ws {
			s = s.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			if version != "" {
				s = s.with("Sec-WebSocket-Protocol", version)
			}
			return s
		}
		if version != "" {
			s = s.with("X-Stream-Protocol-Version", version)
		}
		return s
	}
	steps := []step{
		gone(p), gone(pods + "/unbound"), gone(pods + "/orphan"), gone(pods + "/single"), gone(node), gone("/api/v1/nodes/streaming-dead"), gone(namespaced + "services/streamed"),
		post("node", "/api/v1/nodes", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"streaming"}}`).silent(), post("dead node", "/api/v1/nodes", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"streaming-dead"}}`).silent(), post("bare node", "/api/v1/nodes", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"streaming-bare"}}`).silent(),
		merge("its address", node+"/status", `{"status":{"addresses":[{"type":"InternalIP","address":"{{kubeletHost}}"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":{{kubeletPort}}}}}}`).silent(),
		merge("its address", "/api/v1/nodes/streaming-dead/status", `{"status":{"addresses":[{"type":"InternalIP","address":"{{kubeletHost}}"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":1}}}}`).silent(),
		post("pod", pods, pod("streamed", "streaming", `"initContainers":[{"name":"first","image":"i"}],"ephemeralContainers":[],`)).silent(), post("unbound", pods, pod("unbound", "", "")).silent(), post("orphan", pods, pod("orphan", "streaming-none", "")).silent(), post("single", pods, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"single"},"spec":{"nodeName":"streaming","containers":[{"name":"works","image":"i"}]}}`).silent(),
		post("on the dead", pods, pod("on-dead", "streaming-dead", "")).silent(), post("on the bare", pods, pod("on-bare", "streaming-bare", "")).silent(),
		merge("its address", p+"/status", `{"status":{"phase":"Running","podIP":"{{kubeletHost}}","podIPs":[{"ip":"{{kubeletHost}}"}]}}`).silent(),
		merge("a bad address", pods+"/single/status", `{"status":{"phase":"Running","podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}]}}`).silent(),
	}
	for _, c := range append(behaviours, "first", "none", "") {
		q := "?container=" + c
		steps = append(steps, get("log of "+c, p+"/log"+q), get("log of "+c+" as text", p+"/log"+q).showing("text/plain"))
		if c == "cut" {
			continue // how a connection ends that was cut is told by the library, with addresses of both ends
		}
		for _, sub := range []string{"exec", "attach"} {
			path := p + "/" + sub + q + "&stdout=1&stderr=1&command=a&command=b%20c"
			steps = append(steps,
				post(sub+" "+c+", no upgrade", path, ""), get(sub+" "+c+", no upgrade by get", path).through(doorUpgrade),
				upgraded(post(sub+" "+c+", spdy", path, ""), spdy, "v4.channel.k8s.io"), upgraded(get(sub+" "+c+", websocket", path), ws, "v5.channel.k8s.io"), upgraded(get(sub+" "+c+", websocket v4", path), ws, "v4.channel.k8s.io"))
		}
	}
	for _, q := range []string{"follow=odd", "tailLines=-1", "tailLines=x", "limitBytes=0", "sinceSeconds=0", "sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z", "sinceTime=odd", "stream=Odd", "stream=Stdout", "timestamps=true&previous=true&tailLines=3&limitBytes=10&sinceSeconds=5", "insecureSkipTLSVerifyBackend=true", "pretty=true", "odd=1", "follow", "follow=", "follow=FALSE", "tailLines=", "tailLines", "sinceTime=", "sinceTime=null", "sinceTime=2020-01-01T00:00:00.5Z", "sinceTime=2020-01-01", "limitBytes=99999999999999999999", "tailLines=1&tailLines=2", "tailLines=1.5"} {
		steps = append(steps, get("log with "+q, p+"/log?container=works&"+q))
	}
	for _, name := range []string{"unbound", "orphan", "on-dead", "on-bare", "single", "none"} {
		steps = append(steps, get("log of pod "+name, pods+"/"+name+"/log?container=works"), get("log of pod "+name+" without container", pods+"/"+name+"/log"), upgraded(get("exec in "+name, pods+"/"+name+"/exec?container=works&command=x&stdout=1"), ws, "v5.channel.k8s.io"), upgraded(post("exec in "+name+" by spdy", pods+"/"+name+"/exec?container=works&command=x&stdout=1", ""), spdy, "v4.channel.k8s.io"),
			upgraded(get("attach to "+name, pods+"/"+name+"/attach?container=works&stdout=1"), ws, "v5.channel.k8s.io"), upgraded(get("ports of "+name, pods+"/"+name+"/portforward?ports=80"), ws, "v4.channel.k8s.io"), upgraded(post("ports of "+name+" by spdy", pods+"/"+name+"/portforward", ""), spdy, "portforward.k8s.io"), get("proxy of "+name, pods+"/"+name+"/proxy/a"))
	}
	const exec = p + "/exec?container=works&command=a&stdout=1"
	for _, q := range []string{"", "?container=works", "?container=works&command=a", "?container=works&stdout=1", "?container=works&command=a&stdin=1&stdout=1&stderr=1&tty=1", "?container=works&command=a&stdout=1&tty=1", "?container=works&command=&stdout=1", "?container=works&command=a&stdout=odd", "?container=works&command=a&stdin=true&stdout=true", "?container=WORKS&command=a&stdout=1", "?container=works&container=exit&command=a&stdout=1"} {
		steps = append(steps, upgraded(get("exec"+q, p+"/exec"+q), ws, "v5.channel.k8s.io"), upgraded(post("exec"+q+" by spdy", p+"/exec"+q, ""), spdy, "v4.channel.k8s.io"), upgraded(get("attach"+q, p+"/attach"+q), ws, "v5.channel.k8s.io"))
	}
	for _, v := range []string{"", "v1.channel.k8s.io", "channel.k8s.io", "v2.channel.k8s.io", "v3.channel.k8s.io", "base64.channel.k8s.io", "v4.base64.channel.k8s.io", "v9.channel.k8s.io", "odd", "v9.channel.k8s.io, v5.channel.k8s.io", "v5.channel.k8s.io, v4.channel.k8s.io"} {
		steps = append(steps, upgraded(get("websocket "+v, exec), ws, v), upgraded(post("spdy "+v, exec, ""), spdy, v), upgraded(get("ports by websocket "+v, p+"/portforward?ports=80"), ws, v))
	}
	for _, v := range []string{"portforward.k8s.io", "SPDY/3.1+portforward.k8s.io", "SPDY/3.1+odd", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"} {
		steps = append(steps, upgraded(get("ports by websocket "+v, p+"/portforward?ports=80"), ws, v), upgraded(get("no ports by websocket "+v, p+"/portforward"), ws, v), upgraded(get("odd ports by websocket "+v, p+"/portforward?ports=x"), ws, v), upgraded(get("zero port by websocket "+v, p+"/portforward?ports=0"), ws, v), upgraded(get("large port by websocket "+v, p+"/portforward?ports=70000"), ws, v), upgraded(get("negative port by websocket "+v, p+"/portforward?ports=-1"), ws, v), upgraded(get("empty port by websocket "+v, p+"/portforward?ports="), ws, v), upgraded(get("two ports by websocket "+v, p+"/portforward?ports=80&ports=81"), ws, v), upgraded(post("ports by spdy "+v, p+"/portforward", ""), spdy, v))
	}
	odd := func(name, path string, headers ...string) step {
		s := get(name, path).through(doorUpgrade)
		for i := 0; i < len(headers); i += 2 {
			s = s.with(headers[i], headers[i+1])
		}
		return s
	}
	for _, path := range []string{exec, p + "/attach?container=works&stdout=1", p + "/portforward?ports=80"} {
		steps = append(steps, odd("upgrade to h2c", path, "Connection", "Upgrade", "Upgrade", "h2c"), odd("connection alone", path, "Connection", "Upgrade"), odd("upgrade alone", path, "Upgrade", "websocket"), odd("websocket without key", path, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13"), odd("websocket of another version", path, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "8", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "v5.channel.k8s.io"),
			odd("websocket of a bad origin", path, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "v4.channel.k8s.io", "Origin", "::bad"), odd("websocket in capitals", path, "Connection", "keep-alive, UPGRADE", "Upgrade", "WebSocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "v4.channel.k8s.io"), odd("spdy in small letters", path, "Connection", "upgrade", "Upgrade", "spdy/3.1", "X-Stream-Protocol-Version", "v4.channel.k8s.io"), odd("with a body", path, "Connection", "Upgrade", "Upgrade", "SPDY/3.1"),
			upgraded(step{name: "by put", method: http.MethodPut, path: path}, spdy, "v4.channel.k8s.io"), upgraded(drop("by delete", path), spdy, "v4.channel.k8s.io"), upgraded(get("by mallory", path), ws, "v5.channel.k8s.io").by("mallory"), upgraded(get("by nobody", path), ws, "v5.channel.k8s.io").through(doorUpgrade).with("Authorization", "Bearer nonsense"), upgraded(step{name: "by head", method: http.MethodHead, path: path}, ws, "v5.channel.k8s.io"))
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions} {
		for _, target := range []string{"/api/v1/nodes/streaming/proxy", "/api/v1/nodes/streaming/proxy/", "/api/v1/nodes/streaming:{{kubeletPort}}/proxy/a%20b/c?x=1&y=%2F", "/api/v1/nodes/https:streaming:{{kubeletPort}}/proxy/a", "/api/v1/nodes/http:streaming:{{kubeletPort}}/proxy/a", p[:len(p)-len("streamed")] + "https:streamed:{{kubeletPort}}/proxy/a/b?c=d", pods + "/https:streamed:{{kubeletPort}}/proxy", pods + "/http:streamed:{{kubeletPort}}/proxy/"} {
			s := step{name: method + " " + target, method: method, path: target}
			if !strings.Contains(target, "http:") && method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions {
				s.body = `{"sent":1}`
			}
			steps = append(steps, s)
		}
	}
	for _, b := range behaviours {
		if b != "cut" {
			steps = append(steps, get("node's "+b, node+"/proxy/"+b), get("pod's "+b, pods+"/https:streamed:{{kubeletPort}}/proxy/"+b))
		}
	}
	for _, path := range []string{"streaming-dead/proxy/a", "streaming-bare/proxy/a", "streaming-none/proxy/a", "streaming:1/proxy/a", "streaming:odd/proxy/a", "a:b:c:d/proxy/a", "ftp:streaming:1/proxy/a", "streaming/proxy/exec/x", "streaming/proxy/healthz", "streaming/proxy/pods", "streaming/proxy//double", "streaming/proxy/..%2f..", "streaming/proxy/../x"} {
		steps = append(steps, get("node "+path, "/api/v1/nodes/"+path), get("node "+path+", by mallory", "/api/v1/nodes/"+path).by("mallory"))
	}
	for _, path := range []string{"streamed/proxy", "streamed:1/proxy/a", "streamed:none/proxy/a", "single/proxy/a", "unbound/proxy/a", "http:streamed/proxy/a", "odd:streamed:1/proxy/a", "streamed:0/proxy/a", "streamed:70000/proxy/a"} {
		steps = append(steps, get("pod "+path, pods+"/"+path))
	}
	const services = namespaced + "services"
	steps = append(steps, post("service", services, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"streamed"},"spec":{"ports":[{"name":"web","port":80,"targetPort":{{kubeletPort}}},{"name":"none","port":81}]}}`).silent(), get("service without endpoints", services+"/streamed/proxy/a"), get("service by port, without endpoints", services+"/streamed:80/proxy/a"),
		post("slice", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"streamed","labels":{"kubernetes.io/service-name":"streamed"}},"addressType":"IPv4","endpoints":[{"addresses":["{{kubeletHost}}"],"conditions":{"ready":true}}],"ports":[{"name":"web","port":{{kubeletPort}},"protocol":"TCP"}]}`).silent(), post("endpoints", namespaced+"endpoints", `{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"streamed"},"subsets":[{"addresses":[{"ip":"{{kubeletHost}}","targetRef":{"kind":"Pod","namespace":"default","name":"streamed"}}],"ports":[{"name":"web","port":{{kubeletPort}}}]}]}`).silent())
	const endpoints = namespaced + "endpoints/streamed"
	for _, name := range []string{"streamed", "streamed:web", "https:streamed:web", "https:streamed:80", "https:streamed:none", "https:streamed:81", "https:streamed:82", "https:streamed:", "http:streamed:web", "ftp:streamed:web", "https:none:web", "a:b:c:d", "https:streamed:{{kubeletPort}}"} {
		steps = append(steps, get("service "+name, services+"/"+name+"/proxy/a?b=c"), post("service "+name+", posted", services+"/"+name+"/proxy/a", `{}`), get("service "+name+", bare", services+"/"+name+"/proxy"))
	}
	for name, address := range map[string]string{"no pod": `{"ip":"{{kubeletHost}}"}`, "a pod elsewhere": `{"ip":"192.0.2.99","targetRef":{"kind":"Pod","namespace":"default","name":"streamed"}}`, "a missing pod": `{"ip":"{{kubeletHost}}","targetRef":{"kind":"Pod","namespace":"default","name":"none"}}`, "a pod of another namespace": `{"ip":"{{kubeletHost}}","targetRef":{"kind":"Pod","namespace":"kube-system","name":"streamed"}}`, "no kind": `{"ip":"{{kubeletHost}}","targetRef":{"namespace":"default","name":"streamed"}}`} {
		steps = append(steps, merge("", endpoints, `{"subsets":[{"addresses":[`+address+`],"ports":[{"name":"web","port":{{kubeletPort}}}]}]}`).silent(), get("service with "+name, services+"/https:streamed:web/proxy/a"))
	}
	steps = append(steps, merge("", endpoints, `{"subsets":[]}`).silent(), get("service with nothing", services+"/https:streamed:web/proxy/a"), merge("", endpoints, `{"subsets":[{"notReadyAddresses":[{"ip":"{{kubeletHost}}","targetRef":{"kind":"Pod","namespace":"default","name":"streamed"}}],"ports":[{"name":"web","port":{{kubeletPort}}}]}]}`).silent(), get("service with what is not ready", services+"/https:streamed:web/proxy/a"))
	return story{"Streams", append(steps, gone(p), gone(pods+"/unbound"), gone(pods+"/orphan"), gone(pods+"/single"), gone(pods+"/on-dead"), gone(pods+"/on-bare"), gone(node), gone("/api/v1/nodes/streaming-dead"), gone("/api/v1/nodes/streaming-bare"), gone(services+"/streamed"), gone(namespaced+"endpoints/streamed"), gone("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/streamed"))}
}
