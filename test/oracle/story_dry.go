package oracle

import (
	"net/http"
	"strings"
)

// dryRuns tries everything, and looks whether something stayed.
func dryRuns() story {
	const maps, pods, services = namespaced + "configmaps", namespaced + "pods", namespaced + "services"
	const deployments = "/apis/apps/v1/namespaces/default/deployments"
	const q = "?dryRun=All"
	named := func(prefix string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"` + prefix + `"}}`
	}
	const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tried"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`
	const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"tried"},"spec":{"containers":[{"name":"c","image":"i"}]}}`
	service := func(spec string) string {
		return `{"apiVersion":"v1","kind":"Service","metadata":{"name":"tried"},"spec":{"ports":[{"port":80}]` + spec + `}}`
	}
	apply := func(name, path, body string) step {
		return step{name: name, method: http.MethodPatch, path: path, contentType: applyPatch, body: body}
	}
	return story{"Dry runs", []step{
		gone(deployments + "/tried"), gone(pods + "/tried"), gone(services + "/tried"), gone(maps + "/tried"),
		post("deployment", deployments+q, deployment), get("no deployment", deployments+"/tried"), apply("applied", deployments+"/tried"+q+"&fieldManager=a", deployment), get("none applied", deployments+"/tried"),
		post("create deployment", deployments, deployment), merge("scaled", deployments+"/tried/scale"+q, `{"spec":{"replicas":5}}`), put("put scale", deployments+"/tried/scale"+q, `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"tried","namespace":"default"},"spec":{"replicas":6}}`), merge("status", deployments+"/tried/status"+q, `{"status":{"replicas":5,"observedGeneration":1}}`), merge("patched", deployments+"/tried"+q, `{"spec":{"replicas":7}}`), apply("applied, conflict", deployments+"/tried"+q+"&fieldManager=b", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tried"},"spec":{"replicas":9}}`), apply("applied, forced", deployments+"/tried"+q+"&fieldManager=b&force=true", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"tried"},"spec":{"replicas":9}}`), drop("deleted", deployments+"/tried"+q), drop("deleted in the foreground", deployments+"/tried"+q+"&propagationPolicy=Foreground"), get("as it was", deployments+"/tried"), drop("all deleted", deployments+q), get("still", deployments+"/tried"),
		post("pod", pods+q, pod), post("create pod", pods, pod), post("bound", pods+"/tried/binding"+q, `{"apiVersion":"v1","kind":"Binding","metadata":{"name":"tried"},"target":{"kind":"Node","name":"n"}}`), post("evicted", pods+"/tried/eviction"+q, `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"tried"}}`), post("evicted by options", pods+"/tried/eviction", `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"tried"},"deleteOptions":{"dryRun":["All"]}}`), merge("ephemeral", pods+"/tried/ephemeralcontainers"+q, `{"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}}`), merge("pod status", pods+"/tried/status"+q, `{"status":{"phase":"Running"}}`), merge("resized", pods+"/tried/resize"+q, `{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}`), drop("pod deleted", pods+"/tried"+q), drop("pod deleted at once", pods+"/tried"+q+"&gracePeriodSeconds=0"), get("pod as it was", pods+"/tried"),
		post("service", services+q, service(``)), post("headless", services+q, service(`,"clusterIP":"None"`)), post("service with address", services+q, service(`,"clusterIP":"10.96.0.77"`)), post("service outside the range", services+q, service(`,"clusterIP":"192.0.2.1"`)), post("service with the API's address", services+q, service(`,"clusterIP":"10.96.0.1"`)), post("node port", services+q, service(`,"type":"NodePort"`)), post("balanced", services+q, service(`,"type":"LoadBalancer","externalTrafficPolicy":"Local"`)), post("dual", services+q, service(`,"ipFamilyPolicy":"PreferDualStack"`)), get("no service", services+"/tried"), post("create service", services, service(``)), merge("node port now", services+"/tried"+q, `{"spec":{"type":"NodePort"}}`), merge("named now", services+"/tried"+q, `{"spec":{"type":"ExternalName","externalName":"a.b","clusterIP":null}}`), get("service as it was", services+"/tried"), drop("service deleted", services+"/tried"+q),
		post("namespace", "/api/v1/namespaces"+q, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tried"}}`), drop("namespace deleted", "/api/v1/namespaces/default"+q), drop("other namespace deleted", "/api/v1/namespaces/story-lists"+q), get("namespace as it was", "/api/v1/namespaces/story-lists"),
		post("definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"+q, strings.ReplaceAll(customDefinition, "story.example.org", "tried.example.org")), get("no definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.tried.example.org"), post("service of the aggregator", "/apis/apiregistration.k8s.io/v1/apiservices"+q, `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.tried"},"spec":{"group":"tried","version":"v1","groupPriorityMinimum":5,"versionPriority":5}}`), post("review", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"+q, `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"nonResourceAttributes":{"verb":"get","path":"/x"}}}`), post("token review", "/apis/authentication.k8s.io/v1/tokenreviews"+q, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"x"}}`),
		post("odd", maps+"?dryRun=Odd", named("generated-")), post("empty", maps+"?dryRun=", named("generated-")), post("all and odd", maps+"?dryRun=All&dryRun=Odd", named("generated-")), get("read with", maps+"?dryRun=All&labelSelector=none"),
		post("generated", maps+q, named("generated-")), post("generated, long", maps+q, named(strings.Repeat("g", 80))), post("generated, bad", maps+q, named("A_generated-")), post("generated, empty", maps+q, named("")), post("generated and named", maps+q, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"generated-","name":"tried"}}`), post("generated pod", pods+q, `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"generated-"},"spec":{"containers":[{"name":"c","image":"i"}]}}`), post("generated service", services+q, `{"apiVersion":"v1","kind":"Service","metadata":{"generateName":"generated-"},"spec":{"ports":[{"port":80}]}}`), post("generated service, bad", services+q, `{"apiVersion":"v1","kind":"Service","metadata":{"generateName":"1generated-"},"spec":{"ports":[{"port":80}]}}`), apply("generated by apply", maps+"/tried"+q+"&fieldManager=a", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"generated-"}}`), post("generated role", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"+q, `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"generateName":"generated-"}}`),
		gone(deployments + "/tried"), gone(pods + "/tried"), gone(services + "/tried"), gone(maps + "/tried"),
	}}
}
