package oracle

import (
	"fmt"
	"net/http"
)

// owners lets several managers own fields of objects of many kinds: lists by key, sets, atomic parts, subresources, and the
// passing on, sharing and giving up of fields.
func owners() story {
	var steps []step
	for _, c := range []struct {
		path, head, one, other, less, item string
	}{
		{"/apis/apps/v1/namespaces/default/deployments", `"apiVersion":"apps/v1","kind":"Deployment"`, `"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}]}]}}}`, `"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"c","image":"i:2","env":[{"name":"A","value":"2"},{"name":"C","value":"3"}],"ports":[{"containerPort":80,"name":"web"}]},{"name":"d","image":"j"}]}}}`, `"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}`, `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i:3"}]}}}}`},
		{namespaced + "services", `"apiVersion":"v1","kind":"Service"`, `"spec":{"selector":{"a":"b"},"ports":[{"port":80,"name":"web"},{"port":53,"protocol":"UDP","name":"dns"}]}`, `"spec":{"selector":{"a":"c"},"ports":[{"port":80,"protocol":"TCP","name":"http"},{"port":81,"name":"more"}]}`, `"spec":{"ports":[{"port":80,"name":"web"}]}`, `{"spec":{"ports":[{"port":80,"targetPort":8080}]}}`},
		{namespaced + "pods", `"apiVersion":"v1","kind":"Pod"`, `"spec":{"containers":[{"name":"c","image":"i:1"}],"tolerations":[{"key":"a"}],"volumes":[{"name":"v","emptyDir":{}}]}`, `"spec":{"containers":[{"name":"c","image":"i:2"}],"tolerations":[{"key":"a"},{"key":"b"}]}`, `"spec":{"containers":[{"name":"c","image":"i:1"}]}`, `{"spec":{"containers":[{"name":"c","image":"i:3"}]}}`},
		{namespaced + "serviceaccounts", `"apiVersion":"v1","kind":"ServiceAccount"`, `"imagePullSecrets":[{"name":"a"}],"secrets":[{"name":"s"}]`, `"imagePullSecrets":[{"name":"b"}],"automountServiceAccountToken":false`, `"secrets":[{"name":"s"}]`, `{"imagePullSecrets":[{"name":"c"}]}`},
		{namespaced + "configmaps", `"apiVersion":"v1","kind":"ConfigMap"`, `"data":{"a":"1","b":"2"}`, `"data":{"a":"2","c":"3"},"binaryData":{"d":"eA=="}`, `"data":{"b":"2"}`, `{"data":{"b":"9"}}`},
		{namespaced + "secrets", `"apiVersion":"v1","kind":"Secret"`, `"stringData":{"a":"1"},"data":{"b":"eA=="}`, `"data":{"a":"eA==","b":"eQ=="}`, `"data":{"b":"eA=="}`, `{"stringData":{"b":"9"}}`},
		{"/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", `"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy"`, `"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"ports":[{"port":80}]}]}`, `"spec":{"podSelector":{"matchLabels":{"a":"b"}},"ingress":[{"ports":[{"port":81}]}]}`, `"spec":{"podSelector":{}}`, `{"spec":{"egress":[{}]}}`},
		{"/apis/networking.k8s.io/v1/namespaces/default/ingresses", `"apiVersion":"networking.k8s.io/v1","kind":"Ingress"`, `"spec":{"ingressClassName":"a","rules":[{"host":"a.b","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"s","port":{"number":80}}}}]}}]}`, `"spec":{"ingressClassName":"b","tls":[{"hosts":["a.b"]}]}`, `"spec":{"rules":[{"host":"a.b"}]}`, `{"spec":{"ingressClassName":"c"}}`},
		{"/apis/apps/v1/namespaces/default/statefulsets", `"apiVersion":"apps/v1","kind":"StatefulSet"`, `"spec":{"replicas":1,"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}},"volumeClaimTemplates":[{"metadata":{"name":"v"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}`, `"spec":{"replicas":2,"serviceName":"t"}`, `"spec":{"serviceName":"s"}`, `{"spec":{"replicas":5}}`},
		{"/apis/batch/v1/namespaces/default/jobs", `"apiVersion":"batch/v1","kind":"Job"`, `"spec":{"parallelism":1,"suspend":true,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}`, `"spec":{"parallelism":2,"suspend":false}`, `"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}`, `{"spec":{"parallelism":3}}`},
		{"/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", `"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler"`, `"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}]}`, `"spec":{"maxReplicas":4,"metrics":[{"type":"Resource","resource":{"name":"memory","target":{"type":"Utilization","averageUtilization":50}}}]}`, `"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}`, `{"spec":{"minReplicas":2}}`},
		{"/apis/policy/v1/namespaces/default/poddisruptionbudgets", `"apiVersion":"policy/v1","kind":"PodDisruptionBudget"`, `"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}`, `"spec":{"maxUnavailable":1,"selector":{"matchLabels":{"c":"d"}}}`, `"spec":{"selector":{"matchLabels":{"a":"b"}}}`, `{"spec":{"minAvailable":"50%"}}`},
		{"/apis/rbac.authorization.k8s.io/v1/clusterroles", `"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole"`, `"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]`, `"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}],"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}`, `"rules":[]`, `{"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]}`},
		{"/api/v1/nodes", `"apiVersion":"v1","kind":"Node"`, `"spec":{"taints":[{"key":"a","effect":"NoSchedule"}],"unschedulable":true}`, `"spec":{"taints":[{"key":"b","effect":"NoSchedule"}],"podCIDR":"10.0.0.0/24"}`, `"spec":{"unschedulable":true}`, `{"spec":{"unschedulable":false}}`},
		{"/api/v1/namespaces", `"apiVersion":"v1","kind":"Namespace"`, `"spec":{"finalizers":["kubernetes"]}`, `"spec":{"finalizers":["a.b/c"]}`, `"metadata":{"labels":{"x":"y"}}`, `{"metadata":{"labels":{"b":"z"}}}`},
		{"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", `"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration"`, `"webhooks":[{"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://a.b/c"},"rules":[{"apiGroups":["none"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["none"]}]}]`, `"webhooks":[{"name":"a.b.c","timeoutSeconds":3,"failurePolicy":"Ignore","sideEffects":"NoneOnDryRun"},{"name":"d.e.f","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://a.b/c"}}]`, `"webhooks":[{"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://a.b/c"}}]`, `{"webhooks":[]}`},
	} {
		p := c.path + "/owned"
		apply := func(name, query, body string) step {
			return step{name: name + " " + c.head, method: http.MethodPatch, path: p + "?" + query, contentType: applyPatch, body: fmt.Sprintf(`{%s,"metadata":{"name":"owned"%s}`, c.head, body) + "}"}
		}
		with := func(spec string) string {
			const labelled = `"metadata":{`
			if len(spec) > len(labelled) && spec[:len(labelled)] == labelled {
				return "," + spec[len(labelled):len(spec)-1] + "}"
			}
			return "}," + spec
		}
		if c.path == "/api/v1/namespaces" {
			steps = append(steps, drop("", p).silent(), put("", p+"/finalize", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"owned"},"spec":{"finalizers":[]}}`).silent())
		}
		again := apply("one again", "fieldManager=one", with(c.one))
		steps = append(steps, gone(p), apply("one", "fieldManager=one", with(c.one)), again, apply("one tried", "fieldManager=one&dryRun=All", with(c.less)), apply("other", "fieldManager=other", with(c.other)), apply("other, forced", "fieldManager=other&force=true", with(c.other)), apply("one against it", "fieldManager=one", with(c.one)), apply("third the same", "fieldManager=third", with(c.other)), apply("one less", "fieldManager=one&force=true", with(c.less)), apply("other gives up", "fieldManager=other&force=true", "}"),
			merge("merge "+c.head, p+"?fieldManager=merger", c.item), strategic("strategic "+c.head, p+"?fieldManager=planner", c.item), apply("one after it", "fieldManager=one", with(c.one)), apply("merger applies", "fieldManager=merger", with(c.less)), apply("third gives up", "fieldManager=third", "}"), merge("managers away "+c.head, p, `{"metadata":{"managedFields":[{}]}}`), apply("one after that", "fieldManager=one", with(c.one)), apply("other after that", "fieldManager=other", with(c.other)),
			merge("managers wrong "+c.head, p, `{"metadata":{"managedFields":[{"manager":"x","operation":"Odd","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:x":{}}}]}}`), merge("managers unreadable "+c.head, p, `{"metadata":{"managedFields":[{"manager":"x","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"odd":{}}}]}}`), merge("managers of another version "+c.head, p, `{"metadata":{"managedFields":[{"manager":"x","operation":"Update","apiVersion":"none/v7","fieldsType":"FieldsV1","fieldsV1":{"f:x":{}}}]}}`), apply("with an old version", "fieldManager=one&force=true", `,"resourceVersion":"1"},`+c.one[:0]+`"x":1`), apply("with a uid", "fieldManager=one&force=true", `,"uid":"x"}`), get("owned "+c.head, p), get("owned as metadata "+c.head, p).showing(meta))
		if c.path == "/apis/apps/v1/namespaces/default/deployments" {
			steps = append(steps, step{name: "scale applied", method: http.MethodPatch, path: p + "/scale?fieldManager=scaler", contentType: applyPatch, body: `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"owned"},"spec":{"replicas":9}}`}, step{name: "scale applied, forced", method: http.MethodPatch, path: p + "/scale?fieldManager=scaler&force=true", contentType: applyPatch, body: `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"owned"},"spec":{"replicas":9}}`}, get("after the scaler", p), step{name: "status applied", method: http.MethodPatch, path: p + "/status?fieldManager=controller", contentType: applyPatch, body: `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"owned"},"status":{"conditions":[{"type":"Available","status":"True"}],"replicas":3},"spec":{"replicas":1}}`}, step{name: "status applied by another", method: http.MethodPatch, path: p + "/status?fieldManager=another", contentType: applyPatch, body: `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"owned"},"status":{"conditions":[{"type":"Available","status":"False"}]}}`}, get("after the status", p))
		}
		steps = append(steps, gone(p))
	}
	return story{"Owners", steps}
}
