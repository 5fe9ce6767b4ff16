package oracle

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// entrances are who comes with what, and is let in or not.
func entrances() story {
	const maps, who = namespaced + "configmaps", "/apis/authentication.k8s.io/v1/selfsubjectreviews"
	const accounts = namespaced + "serviceaccounts"
	steps := []step{gone(accounts + "/entering"), gone(namespaced + "pods/entering"), gone("/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"), gone("/api/v1/namespaces/kube-system/secrets/bootstrap-token-expire"),
		post("account", accounts, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"entering"}}`).silent()}
	ask := func(s step) []step {
		var out []step
		for _, path := range []string{maps, "/api", "/apis/apps/v1", "/healthz", "/version", "/nothing", "/openapi/v3/version", "/.well-known/openid-configuration", "/openid/v1/jwks", namespaced + "pods/x/log"} {
			c := s
			c.name, c.method, c.path = s.name+" gets "+path, http.MethodGet, path
			out = append(out, c)
		}
		review := s
		review.name, review.method, review.path, review.body = s.name+" asks who it is", http.MethodPost, who, `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`
		table2 := review
		table2.name, table2.accept = s.name+" asks in a table", table
		post := s
		post.name, post.method, post.path, post.body = s.name+" creates", http.MethodPost, maps+"?dryRun=All", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`
		return append(out, review, table2, post)
	}
	for _, door := range []string{doorUpgrade, doorNobody, doorStranger, doorPlain, doorExpired, doorEarly, doorServer, doorUnnamed, doorGroup, doorProxy} {
		steps = append(steps, ask(step{name: door}.through(door))...)
	}
	bearer := func(name, token string) step {
		return step{name: name}.through(doorNobody).with("Authorization", token)
	}
	claim := func(header, body string) string {
		enc := base64.RawURLEncoding.EncodeToString
		return "Bearer " + enc([]byte(header)) + "." + enc([]byte(body)) + "." + enc([]byte("signature"))
	}
	request := func(name, spec string) step {
		return post("token "+name, accounts+"/entering/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":`+spec+`}`).keeping(name, "status.token")
	}
	steps = append(steps, post("pod", namespaced+"pods", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"entering"},"spec":{"serviceAccountName":"entering","containers":[{"name":"c","image":"i"}]}}`).silent(),
		post("node", "/api/v1/nodes", `{"apiVersion":"v1","kind":"Node","metadata":{"name":"entering"}}`).silent(), post("secret", namespaced+"secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"entering"}}`).silent(),
		request("own", `{}`), request("elsewhere", `{"audiences":["elsewhere"]}`), request("bound to the node", `{"boundObjectRef":{"kind":"Node","apiVersion":"v1","name":"entering"}}`), request("bound to the secret", `{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"entering"}}`), request("bound", `{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"entering"}}`),
		post("bootstrap", "/api/v1/namespaces/kube-system/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"bootstrap-token-abcdef"},"type":"bootstrap.kubernetes.io/token","stringData":{"token-id":"abcdef","token-secret":"0123456789abcdef","usage-bootstrap-authentication":"true","auth-extra-groups":"system:bootstrappers:own"}}`).silent(),
		post("bootstrap, expired", "/api/v1/namespaces/kube-system/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"bootstrap-token-expire"},"type":"bootstrap.kubernetes.io/token","stringData":{"token-id":"expire","token-secret":"0123456789abcdef","usage-bootstrap-authentication":"true","expiration":"2020-01-01T00:00:00Z"}}`).silent(),
		step{method: http.MethodGet, path: "/api", door: doorNobody, headers: map[string]string{"Authorization": "Bearer abcdef.0123456789abcdef"}, await: "versions"})
	for _, c := range []step{
		bearer("nonsense", "Bearer nonsense"), bearer("nothing", "Bearer "), bearer("bare", "Bearer"), bearer("small bearer", "bearer {{own}}"), bearer("two words", "Bearer a b"), bearer("basic", "Basic YTpi"), bearer("odd scheme", "Odd x"), bearer("own token", "Bearer {{own}}"), bearer("token of elsewhere", "Bearer {{elsewhere}}"), bearer("bound token", "Bearer {{bound}}"), bearer("cut token", "Bearer {{own}}x"),
		bearer("no algorithm", claim(`{"alg":"none"}`, `{"iss":"https://kubernetes.default.svc.cluster.local","sub":"system:serviceaccount:default:entering"}`)), bearer("forged", claim(`{"alg":"RS256"}`, `{"iss":"https://kubernetes.default.svc.cluster.local","sub":"system:serviceaccount:default:entering","exp":9999999999}`)), bearer("of another issuer", claim(`{"alg":"RS256"}`, `{"iss":"https://example.com","sub":"a"}`)),
		bearer("bootstrap", "Bearer abcdef.0123456789abcdef"), bearer("bootstrap, wrong", "Bearer abcdef.0123456789abcdee"), bearer("bootstrap, expired", "Bearer expire.0123456789abcdef"), bearer("bootstrap, unknown", "Bearer nobody.0123456789abcdef"), bearer("long", "Bearer "+strings.Repeat("a", 5000)),
		step{name: "certificate and bad token"}.through(doorUpgrade).with("Authorization", "Bearer nonsense"), step{name: "certificate and token"}.through(doorUpgrade).with("Authorization", "Bearer {{own}}"), step{name: "stranger and token"}.through(doorStranger).with("Authorization", "Bearer {{own}}"),
		step{name: "proxy for carol"}.through(doorProxy).with("X-Remote-User", "carol").with("X-Remote-Group", "g").with("X-Remote-Extra-Reason", "r%2Fs").with("X-Remote-Uid", "u"), step{name: "proxy for the masters"}.through(doorProxy).with("X-Remote-User", "carol").with("X-Remote-Group", "system:masters"), step{name: "nobody as proxy"}.through(doorNobody).with("X-Remote-User", "carol"), step{name: "administrator as proxy"}.through(doorUpgrade).with("X-Remote-User", "carol"),
		step{name: "nobody as another"}.through(doorNobody).by("carol"), step{name: "token as another"}.through(doorNobody).with("Authorization", "Bearer {{own}}").by("carol"), step{name: "administrator as the anonymous"}.by("system:anonymous"), step{name: "administrator as the account"}.by("system:serviceaccount:default:entering"), step{name: "administrator as an odd account"}.by("system:serviceaccount:x"), step{name: "administrator by group alone"}.with("Impersonate-Group", "g"), step{name: "administrator by uid alone"}.with("Impersonate-Uid", "g"), step{name: "administrator by extra alone"}.with("Impersonate-Extra-A", "g"),
	} {
		steps = append(steps, ask(c)...)
	}
	for _, protocol := range []string{"base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte("nonsense")), "base64url.bearer.authorization.k8s.io.%%", "v4.channel.k8s.io"} {
		steps = append(steps, get("token in a protocol", maps+"?watch=1&timeoutSeconds=1").through(doorNobody).with("Connection", "Upgrade").with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").with("Sec-WebSocket-Protocol", protocol))
	}
	review := func(name, spec string) step {
		return post("review of "+name, "/apis/authentication.k8s.io/v1/tokenreviews", fmt.Sprintf(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":%s}`, spec))
	}
	steps = append(steps, review("nothing", `{}`), review("nonsense", `{"token":"nonsense"}`), review("own", `{"token":"{{own}}"}`), review("bound", `{"token":"{{bound}}"}`), review("own for another", `{"token":"{{own}}","audiences":["elsewhere"]}`), review("elsewhere", `{"token":"{{elsewhere}}"}`), review("elsewhere for it", `{"token":"{{elsewhere}}","audiences":["elsewhere","b"]}`), review("bootstrap", `{"token":"abcdef.0123456789abcdef"}`),
		gone(namespaced+"secrets/entering"), gone("/api/v1/nodes/entering"), gone(namespaced+"pods/entering"), review("bound to a deleted pod", `{"token":"{{bound}}"}`), bearerTo("bound to a deleted pod", "{{bound}}", maps), gone(accounts+"/entering"), review("own of a deleted account", `{"token":"{{own}}"}`), bearerTo("of a deleted account", "{{own}}", maps),
		gone("/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"), gone("/api/v1/namespaces/kube-system/secrets/bootstrap-token-expire"))
	return story{"Entrances", steps}
}

func bearerTo(name, token, path string) step {
	return get(name, path).through(doorNobody).with("Authorization", "Bearer "+token)
}
