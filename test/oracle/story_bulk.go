package oracle

import (
	"fmt"
	"net/http"
)

// bulk deletes many objects at once, with every option that says how.
func bulk() story {
	var steps []step
	for _, k := range []struct{ path, body string }{
		{namespaced + "configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"labels":{"bulk":"yes"}}}`},
		{namespaced + "pods", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"labels":{"bulk":"yes"}},"spec":{"nodeName":"bulk","containers":[{"name":"c","image":"i"}]}}`},
		{"/apis/apps/v1/namespaces/default/deployments", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q,"labels":{"bulk":"yes"}},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`},
		{"/apis/batch/v1/namespaces/default/jobs", `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":%q,"labels":{"bulk":"yes"}},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}`},
		{namespaced + "replicationcontrollers", `{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":%q,"labels":{"bulk":"yes"}},"spec":{"selector":{"a":"b"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`},
		{"/api/v1/persistentvolumes", `{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":%q,"labels":{"bulk":"yes"}},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"}}}`},
		{"/apis/rbac.authorization.k8s.io/v1/clusterroles", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":%q,"labels":{"bulk":"yes"}},"rules":[]}`},
	} {
		const some = "?labelSelector=bulk"
		fill := func() {
			for _, n := range []string{"bulk-a", "bulk-b", "bulk-c"} {
				steps = append(steps, merge("", k.path+"/"+n, `{"metadata":{"finalizers":null}}`).silent(), gone(k.path+"/"+n), post("", k.path, fmt.Sprintf(k.body, n)).silent())
			}
		}
		for _, c := range []struct{ name, query, body string }{
			{"tried", "&dryRun=All", ""}, {"tried by body", "", `{"dryRun":["All"]}`}, {"in the foreground", "&propagationPolicy=Foreground", ""}, {"orphaning", "", `{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan"}`}, {"the old way", "", `{"orphanDependents":true}`}, {"both ways", "", `{"orphanDependents":true,"propagationPolicy":"Background"}`}, {"odd policy", "", `{"propagationPolicy":"Odd"}`}, {"at once", "&gracePeriodSeconds=0", ""}, {"soon", "", `{"gracePeriodSeconds":5}`}, {"negative", "", `{"gracePeriodSeconds":-5}`}, {"with a uid", "", `{"preconditions":{"uid":"x"}}`}, {"with a version", "", `{"preconditions":{"resourceVersion":"1"}}`}, {"of another kind", "", `{"kind":"Pod","apiVersion":"v1"}`}, {"of another group", "", `{"kind":"DeleteOptions","apiVersion":"policy/v1"}`}, {"broken", "", `{`}, {"a list", "", `[]`}, {"unknown field", "", `{"odd":1}`}, {"unknown field, strict", "&fieldValidation=Strict", `{"odd":1}`}, {"two", "&limit=2", ""}, {"negative limit", "&limit=-1", ""}, {"by name", "&fieldSelector=metadata.name%3Dbulk-b", ""}, {"odd field", "&fieldSelector=odd%3Db", ""}, {"old", "&resourceVersion=0", ""}, {"odd timeout", "&timeoutSeconds=x", ""}, {"short timeout", "&timeoutSeconds=1", ""}, {"pretty", "&pretty=1", ""}, {"unsafe", "&ignoreStoreReadErrorWithClusterBreakingPotential=true", ""}, {"unsafe by body", "", `{"ignoreStoreReadErrorWithClusterBreakingPotential":true}`}, {"both places", "&propagationPolicy=Orphan", `{"propagationPolicy":"Foreground"}`}, {"in parts and dry", "&dryRun=All", `{"dryRun":["Odd"]}`},
		} {
			fill()
			name := func(what string) string { return c.name + what + " " + k.path }
			s := step{name: name(""), method: http.MethodDelete, path: k.path + some + c.query, body: c.body}
			steps = append(steps, s, get(name(", left"), k.path+some), get(name(", left as table"), k.path+some).showing(table))
		}
		fill()
		steps = append(steps, drop("as table "+k.path, k.path+some+"&dryRun=All").showing(table), drop("as metadata "+k.path, k.path+some+"&dryRun=All").showing(metaList), drop("in protobuf "+k.path, k.path+some+"&dryRun=All").showing(protobufType), drop("in yaml "+k.path, k.path+some+"&dryRun=All").showing(yamlType), step{name: "by yaml " + k.path, method: http.MethodDelete, path: k.path + some, contentType: yamlType, body: "dryRun: [All]\n"}, step{name: "by text " + k.path, method: http.MethodDelete, path: k.path + some + "&dryRun=All", contentType: "text/plain", body: "{}"}, step{name: "by protobuf " + k.path, method: http.MethodDelete, path: k.path + some + "&dryRun=All", protobuf: true, body: `{"apiVersion":"v1","kind":"DeleteOptions","dryRun":["All"]}`},
			drop("by mallory "+k.path, k.path+some).by("mallory"), merge("", k.path+"/bulk-a", `{"metadata":{"finalizers":["a.b/c"]}}`).silent(), drop("with one held "+k.path, k.path+some+"&gracePeriodSeconds=0"), get("one held "+k.path, k.path+some), drop("with one held again "+k.path, k.path+some+"&gracePeriodSeconds=0"))
		for _, n := range []string{"bulk-a", "bulk-b", "bulk-c"} {
			steps = append(steps, merge("", k.path+"/"+n, `{"metadata":{"finalizers":null}}`).silent(), gone(k.path+"/"+n))
		}
	}
	return story{"Bulk", steps}
}
