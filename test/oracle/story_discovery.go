package oracle

import "k8s.io/client-go/kubernetes/scheme"

const (
	aggregatedDiscovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	olderDiscovery      = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
)

// discoveries reads what the server says of itself.
func discoveries() story {
	var steps []step
	for _, accept := range []string{"", aggregatedDiscovery, olderDiscovery, aggregatedDiscovery + "," + olderDiscovery + ",application/json", "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList", "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json", aggregatedDiscovery + ";profile=nopeer", aggregatedDiscovery + ";profile=odd", "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", "application/json;as=APIGroupDiscoveryList"} {
		for _, path := range []string{"/api", "/apis"} {
			steps = append(steps, get(path+" as "+accept, path).showing(accept))
		}
	}
	steps = append(steps, get("one group as "+aggregatedDiscovery, "/apis/apps").showing(aggregatedDiscovery), get("one version as "+aggregatedDiscovery, "/apis/apps/v1").showing(aggregatedDiscovery))
	seen := map[string]bool{}
	for _, gv := range scheme.Scheme.PrioritizedVersionsAllGroups() {
		if gv.Group == "" {
			continue
		}
		if !seen[gv.Group] {
			seen[gv.Group] = true
			steps = append(steps, get("group "+gv.Group, "/apis/"+gv.Group))
		}
		steps = append(steps, get("version "+gv.String(), "/apis/"+gv.String()))
	}
	for _, path := range []string{"/api/v1", "/apis/apiregistration.k8s.io", "/apis/apiregistration.k8s.io/v1", "/apis/apiextensions.k8s.io", "/apis/apiextensions.k8s.io/v1", "/apis/apiextensions.k8s.io/v1beta1", "/", "/version", "/version/", "/healthz", "/livez", "/readyz", "/healthz?verbose", "/livez?verbose", "/readyz?verbose", "/readyz?verbose=false", "/readyz?exclude=etcd", "/readyz?verbose&exclude=etcd&exclude=odd", "/livez?exclude=odd",
		"/healthz/ping", "/healthz/etcd", "/healthz/log", "/livez/etcd", "/readyz/etcd", "/readyz/etcd-readiness", "/readyz/informer-sync", "/readyz/shutdown", "/livez/shutdown", "/healthz/autoregister-completion", "/healthz/poststarthook/rbac/bootstrap-roles", "/readyz/poststarthook/storage-readiness", "/readyz/poststarthook/scheduling/bootstrap-system-priority-classes", "/readyz/rbac-cache-sync", "/healthz/none", "/.well-known/openid-configuration", "/openid/v1/jwks", "/openapi", "/openapi/v1", "/openapi/v3/", "/openapi/v3/none", "/debug/flags", "/configz", "/logs/", "/metrics/none"} {
		steps = append(steps, get("path "+path, path), get("path "+path+", by nobody", path).by("system:anonymous"))
	}
	return story{"Discovery", steps}
}

// views shows all that a fresh cluster has, in full and as tables.
func views() story {
	var steps []step
	for _, path := range []string{"/api/v1/namespaces", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles", "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/roles", "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings", "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/rolebindings",
		"/apis/scheduling.k8s.io/v1/priorityclasses", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/networking.k8s.io/v1/servicecidrs"} {
		query := ""
		if path == "/api/v1/namespaces" {
			query = "?fieldSelector=metadata.name%3Dkube-system" // others' life is their stories'
		}
		steps = append(steps, get("all of "+path, path+query), get("table of "+path, path+query).showing(table), get("metadata of "+path, path+query).showing(metaList), get("protobuf of "+path, path+query).showing(protobufType))
	}
	for _, path := range []string{"/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/catch-all", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/system-nodes", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/probes", "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1"} {
		steps = append(steps, get("one "+path, path), get("table of one "+path, path).showing(table), get("table with nothing of "+path, path+"?includeObject=None").showing(table), get("table with all of "+path, path+"?includeObject=Object").showing(table), get("table with oddness of "+path, path+"?includeObject=Odd").showing(table))
	}
	const api = "/api/v1/namespaces/default/services/kubernetes" // its target is the server's own port
	return story{"Views", append(steps, get("metadata of the API's service", api).showing(meta), get("table of the API's service", api).showing(table), get("proxy to the API's service", api+"/proxy/"))}
}

// impersonation asks as others, in every form of the headers.
func impersonation() story {
	who := func(name string) step {
		return post(name, "/apis/authentication.k8s.io/v1/selfsubjectreviews", `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
	}
	const user, group, uid = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid"
	return story{"Impersonation", []step{
		who("nobody else"), who("a user").by("alice"), who("a user in a group").by("alice").with(group, "staff"), who("a group alone").with(group, "staff"), who("a uid alone").with(uid, "5"), who("a uid").by("alice").with(uid, "5"), who("more alone").with("Impersonate-Extra-Scopes", "x"), who("more").by("alice").with("Impersonate-Extra-Scopes", "x").with("Impersonate-Extra-Acme.com%2fproject", "y"), who("bad more").by("alice").with("Impersonate-Extra-%zz", "y"),
		who("an account").by("system:serviceaccount:default:default"), who("an account in a group").by("system:serviceaccount:default:default").with(group, "staff"), who("a bad account").by("system:serviceaccount:default"), who("an account with a bad name").by("system:serviceaccount:default:A_b"), who("a node").by("system:node:n"), who("a node in its group").by("system:node:n").with(group, "system:nodes"), who("nobody").by("system:anonymous"), who("nobody, authenticated").by("system:anonymous").with(group, "system:authenticated"), who("unauthenticated").by("alice").with(group, "system:unauthenticated"), who("masters").by("alice").with(group, "system:masters"), who("an empty user").with(user, ""),
		get("as a master", "/api/v1/namespaces/kube-system").by("alice").with(group, "system:masters"), get("as alice", "/api/v1/namespaces/kube-system").by("alice"), get("path as alice", "/metrics").by("alice"), get("not there as alice", "/nothing").by("alice"), get("missing group as alice", "/apis/none/v1/x").by("alice"),
	}}
}
