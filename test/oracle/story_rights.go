package oracle

import "fmt"

// rights asks as people who may do little.
func rights() story {
	const roles, rbindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
	role := func(name, rules string) string {
		return fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":%q},"rules":%s}`, name, rules)
	}
	bound := func(name, role, user string) string {
		return fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":%q},"subjects":[{"kind":"User","name":%q}],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":%q}}`, name, user, role)
	}
	steps := []step{gone(roles + "/little"), gone(rbindings + "/little"), gone(roles + "/maker"), gone(rbindings + "/maker"), gone(namespaced + "configmaps/rights")}
	for _, path := range []string{namespaced + "pods", namespaced + "pods/x", namespaced + "pods/x/log", namespaced + "pods/x/exec", namespaced + "services/x/proxy", "/api/v1/nodes", "/api/v1/nodes/x/proxy/a", "/api/v1/namespaces/default",
		"/api/v1/namespaces", "/apis/apps/v1/deployments", "/apis/apps/v1/namespaces/default/deployments/x/scale", "/apis/no.such/v1/things", "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1", "/metrics", "/healthz", "/livez",
		"/apis", "/openapi/v2", "/debug/pprof/", "/logs", "/nothing", "/apis/rbac.authorization.k8s.io/v1/clusterroles"} {
		steps = append(steps, get("mallory gets "+path, path).by("mallory"), get("nobody gets "+path, path).by("system:anonymous"))
	}
	for _, s := range []step{
		post("creates", namespaced+"configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"rights"}}`), put("updates", namespaced+"configmaps/rights", `{}`), merge("patches", namespaced+"configmaps/rights", `{}`), drop("deletes", namespaced+"configmaps/rights"), drop("deletes all", namespaced+"configmaps"),
		post("asks about itself", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"get","resource":"pods","namespace":"default"}}}`),
		post("asks about others", "/apis/authorization.k8s.io/v1/subjectaccessreviews", `{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"a","resourceAttributes":{"verb":"get","resource":"pods"}}}`),
		post("asks who it is", "/apis/authentication.k8s.io/v1/selfsubjectreviews", `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`),
		post("evicts", namespaced+"pods/x/eviction", `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"x"}}`), post("asks for a token", namespaced+"serviceaccounts/default/token", `{"spec":{}}`),
	} {
		s.name = "mallory " + s.name
		steps = append(steps, s.by("mallory"))
	}
	return story{"Rights", append(steps,
		post("role", roles, role("little", `[{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","create","list"]},{"apiGroups":[""],"resources":["secrets"],"resourceNames":["one"],"verbs":["get","list"]},{"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"],"verbs":["create","update","get","patch"]}]`)),
		post("binding", rbindings, bound("little", "little", "alice")),
		step{method: "GET", path: namespaced + "configmaps", as: "alice", await: "ConfigMapList"},
		get("alice lists", namespaced+"configmaps?labelSelector=none").by("alice"), post("alice creates", namespaced+"configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"rights"}}`).by("alice"), drop("alice deletes", namespaced+"configmaps/rights").by("alice"),
		get("alice reads the secret", namespaced+"secrets/one").by("alice"), get("alice reads another", namespaced+"secrets/two").by("alice"), get("alice lists secrets", namespaced+"secrets").by("alice"), get("alice lists the one", namespaced+"secrets?fieldSelector=metadata.name%3Done").by("alice"),
		post("alice escalates", roles, role("maker", `[{"apiGroups":[""],"resources":["pods"],"verbs":["*"]},{"apiGroups":["apps"],"resources":["deployments"],"verbs":["get"]}]`)).by("alice"),
		post("alice passes on", roles, role("maker", `[{"apiGroups":[""],"resources":["configmaps"],"verbs":["get"]}]`)).by("alice"), merge("alice adds", roles+"/maker", `{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`).by("alice"),
		post("alice binds", rbindings, bound("maker", "maker", "bob")).by("alice"), post("alice binds a cluster role", rbindings, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"big"},"subjects":[{"kind":"User","name":"bob"}],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"}}`).by("alice"),
		post("alice binds what is missing", rbindings, bound("some", "none", "bob")).by("alice"), merge("alice changes the reference", rbindings+"/maker", `{"roleRef":{"name":"little"}}`).by("alice"),
		post("a node's pod", namespaced+"pods", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}`).by("system:node:n"),
		get("a scheduler's secrets", namespaced+"secrets").by("system:kube-scheduler"), get("a scheduler's pods", namespaced+"pods?labelSelector=none").by("system:kube-scheduler"),
		gone(roles+"/little"), gone(rbindings+"/little"), gone(roles+"/maker"), gone(rbindings+"/maker"), gone(namespaced+"configmaps/rights"),
	)}
}
