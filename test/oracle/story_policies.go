package oracle

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	admissionPolicies = "/apis/admissionregistration.k8s.io/v1/"
	policyNamespace   = "/api/v1/namespaces/story-policies"
)

// policy is a policy with its binding for objects with the label policy=name.
func policy(kind, name, spec, binding string) []step {
	plural := strings.ToLower(kind[:len(kind)-1]) + "ies"
	if spec != "" {
		spec += ","
	}
	if binding != "" {
		binding = "," + binding
	}
	operations := `"CREATE","UPDATE","DELETE"`
	if kind == "MutatingAdmissionPolicy" {
		operations = `"CREATE","UPDATE"`
	}
	match := fmt.Sprintf(`"matchConstraints":{"namespaceSelector":{"matchLabels":{"policies":"on"}},"objectSelector":{"matchLabels":{"policy":%q}},"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":[%s],"resources":["configmaps"]}]}`, name, operations)
	if strings.Contains(spec, `"matchConstraints"`) {
		match = strings.TrimSuffix(spec, ",")
		spec = ""
	}
	all, bindings := admissionPolicies+plural, admissionPolicies+plural[:len(plural)-3]+"ybindings"
	return []step{
		gone(all + "/story-" + name), gone(bindings + "/story-" + name),
		post("policy "+name, all, fmt.Sprintf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":%q,"metadata":{"name":"story-%s"},"spec":{%s%s}}`, kind, name, spec, match)),
		post("binding "+name, bindings, fmt.Sprintf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":%q,"metadata":{"name":"story-%s"},"spec":{"policyName":"story-%s"%s}}`, kind+"Binding", name, name, binding)),
	}
}

func endOf(kind, name string) []step {
	plural := strings.ToLower(kind[:len(kind)-1]) + "ies"
	return []step{gone(admissionPolicies + plural[:len(plural)-3] + "ybindings/story-" + name), gone(admissionPolicies + plural + "/story-" + name)}
}

func policed(name, data string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"labels":{"policy":%q},"annotations":{"a":"b"}},"data":{"k":%q}}`, name, name, data)
}

// validatingPolicies has objects checked by expressions.
func validatingPolicies() story {
	const kind, maps = "ValidatingAdmissionPolicy", policyNamespace + "/configmaps"
	rule := func(expression, more string) string {
		return fmt.Sprintf(`"validations":[{"expression":%q%s}]`, expression, more)
	}
	const deny = `"validationActions":["Deny"]`
	const param = `"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},`
	table := []struct{ name, spec, binding string }{
		{"plain", rule("object.data.k == 'good'", ""), deny}, {"message", rule("object.data.k == 'good'", `,"message":"must be good"`), deny}, {"computed", rule("object.data.k == 'good'", `,"messageExpression":"'is ' + object.data.k"`), deny}, {"computed-badly", rule("object.data.k == 'good'", `,"message":"static","messageExpression":"object.data.none"`), deny}, {"computed-empty", rule("object.data.k == 'good'", `,"messageExpression":"'  '"`), deny}, {"computed-lines", rule("object.data.k == 'good'", `,"messageExpression":"'a\\nb'"`), deny},
		{"reason", rule("object.data.k == 'good'", `,"reason":"Forbidden"`), deny}, {"unauthorized", rule("object.data.k == 'good'", `,"reason":"Unauthorized"`), deny}, {"too-large", rule("object.data.k == 'good'", `,"reason":"RequestEntityTooLarge"`), deny}, {"warned", rule("object.data.k == 'good'", ""), `"validationActions":["Warn"]`}, {"audited", rule("object.data.k == 'good'", ""), `"validationActions":["Audit"]`}, {"warned-audited", rule("object.data.k == 'good'", `,"message":"be good"`), `"validationActions":["Warn","Audit"]`},
		{"two", `"validations":[{"expression":"object.data.k == 'good'","message":"first"},{"expression":"object.data.k == 'better'","message":"second"}]`, deny}, {"failing", rule("object.data.none == 'x'", ""), deny}, {"failing-ignored", `"failurePolicy":"Ignore",` + rule("object.data.none == 'x'", ""), deny}, {"failing-warned", rule("object.data.none == 'x'", ""), `"validationActions":["Warn"]`}, {"variables", `"variables":[{"name":"v","expression":"object.data.k"},{"name":"w","expression":"variables.v + '!'"}],` + rule("variables.w == 'good!'", `,"messageExpression":"variables.w"`), deny}, {"bad-variable", `"variables":[{"name":"v","expression":"object.data.none"}],` + rule("variables.v == 'x'", ""), deny},
		{"param", param + rule("object.data.k == params.data.want", `,"messageExpression":"'wanted ' + params.data.want"`), deny + `,"paramRef":{"name":"wanted","namespace":"story-policies","parameterNotFoundAction":"Deny"}`}, {"param-missing", param + rule("params == null", ""), deny + `,"paramRef":{"name":"none","parameterNotFoundAction":"Deny"}`}, {"param-allowed", param + rule("object.data.k == 'good'", ""), deny + `,"paramRef":{"name":"none","parameterNotFoundAction":"Allow"}`}, {"param-none", param + rule("params == null", ""), deny}, {"param-selected", param + rule("object.data.k == params.data.want", ""), deny + `,"paramRef":{"selector":{"matchLabels":{"wanted":"yes"}},"parameterNotFoundAction":"Deny"}`},
		{"when", `"matchConditions":[{"name":"c","expression":"object.data.k == 'bad'"}],` + rule("false", `,"message":"met"`), deny}, {"when-failing", `"matchConditions":[{"name":"c","expression":"object.data.none == 'x'"}],` + rule("false", ""), deny}, {"namespace", rule("namespaceObject.metadata.name == 'x'", `,"messageExpression":"namespaceObject.metadata.name"`), deny}, {"request", rule("request.operation == 'X'", `,"messageExpression":"request.operation + request.name + request.namespace + request.resource.resource + request.userInfo.username + string(request.dryRun)"`), deny}, {"old", rule("oldObject == null || oldObject.data.k == object.data.k", `,"message":"stays"`), deny}, {"authorized", rule("authorizer.group('').resource('configmaps').namespace('default').check('get').allowed()", ""), deny}, {"requested", rule("authorizer.requestResource.check('create').allowed()", ""), deny},
		{"audit-annotation", `"auditAnnotations":[{"key":"k","valueExpression":"'x'"}]`, deny}, {"bound", rule("false", ""), deny + `,"matchResources":{"objectSelector":{"matchLabels":{"more":"yes"}}}`}, {"costly", rule("[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, a*b)).size() == 10", ""), deny}, {"libraries", rule("quantity('1Gi').isGreaterThan(quantity('1Mi')) && isURL('https://a') && '1.2.3.4'.matches('[0-9.]+') && ip('1.2.3.4').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.1.1') && semver('1.2.3').major() == 1 && format.dns1123Label().validate('a').hasValue() == false", ""), deny},
	}
	steps := []step{post("", "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"story-policies","labels":{"policies":"on"}}}`).silent(), drop("", maps).silent(), post("", maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"wanted","labels":{"wanted":"yes"}},"data":{"want":"good"}}`).silent()}
	for _, p := range table {
		steps = append(steps, policy(kind, p.name, p.spec, p.binding)...)
	}
	steps = append(steps, policy(kind, "last", rule("false", `,"message":"the last is here"`), deny)...)
	steps = append(steps, post("", maps+"?dryRun=All", policed("last", "x")).until("the last is here"), post("", maps+"?dryRun=All", policed("param", "x")).until("wanted good"), post("", maps+"?dryRun=All", policed("libraries", "x")).until("libraries"))
	for _, p := range table {
		steps = append(steps, post("good "+p.name, maps, policed(p.name, "good")), post("bad "+p.name, maps+"?dryRun=All", policed(p.name, "bad")), merge("change "+p.name, maps+"/"+p.name+"?dryRun=All", `{"data":{"k":"bad"}}`), drop("delete "+p.name, maps+"/"+p.name+"?dryRun=All"))
	}
	steps = append(steps, drop("collection", maps+"?labelSelector=policy%3Dplain"), merge("more", maps+"/bound", `{"metadata":{"labels":{"more":"yes"}}}`), post("by alice", maps+"?dryRun=All", policed("authorized", "x")).by("system:kube-controller-manager").with("Impersonate-Group", "system:masters"))
	for _, p := range append(table, struct{ name, spec, binding string }{name: "last"}) {
		steps = append(steps, endOf(kind, p.name)...)
	}
	return story{"Validating policies", append(steps, post("", maps+"?dryRun=All", policed("last", "x")).until(`"policy":"last"`), drop("", maps).silent())}
}

// mutatingPolicies has objects changed by expressions.
func mutatingPolicies() story {
	const kind, maps = "MutatingAdmissionPolicy", policyNamespace + "/configmaps"
	apply := func(expression string) string {
		return fmt.Sprintf(`"reinvocationPolicy":"Never","mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":%q}}]`, expression)
	}
	patch := func(expression string) string {
		return fmt.Sprintf(`"reinvocationPolicy":"IfNeeded","mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":%q}}]`, expression)
	}
	table := []struct{ name, spec, binding string }{
		{"apply", apply(`Object{metadata: Object.metadata{labels: {"applied": "yes"}}, data: {"added": object.data.k}}`), ""}, {"apply-nothing", apply(`Object{}`), ""}, {"apply-failing", apply(`Object{data: {"x": object.data.none}}`), ""}, {"apply-failing-ignored", `"failurePolicy":"Ignore",` + apply(`Object{data: {"x": object.data.none}}`), ""}, {"apply-name", apply(`Object{metadata: Object.metadata{name: "other"}}`), ""}, {"apply-bad-label", apply(`Object{metadata: Object.metadata{labels: {"-": "-"}}}`), ""},
		{"patch", patch(`[JSONPatch{op: "add", path: "/data/added", value: object.data.k}]`), ""}, {"patch-tested", patch(`[JSONPatch{op: "test", path: "/data/k", value: "good"}, JSONPatch{op: "replace", path: "/data/k", value: "best"}]`), ""}, {"patch-escaped", patch(`[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a.b/c~d"), value: "x"}]`), ""}, {"patch-missing", patch(`[JSONPatch{op: "replace", path: "/data/none/deep", value: "x"}]`), ""}, {"patch-remove", patch(`[JSONPatch{op: "remove", path: "/metadata/annotations"}]`), ""}, {"patch-none", patch(`[]`), ""}, {"patch-choice", patch(`has(object.data.k) && object.data.k == "bad" ? [JSONPatch{op: "add", path: "/data/bad", value: "yes"}] : []`), ""},
		{"variables", `"variables":[{"name":"v","expression":"object.data.k + '!'"}],` + patch(`[JSONPatch{op: "add", path: "/data/v", value: variables.v}]`), ""}, {"param", `"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},` + patch(`[JSONPatch{op: "add", path: "/data/want", value: params.data.want}]`), `"paramRef":{"name":"wanted","namespace":"story-policies","parameterNotFoundAction":"Deny"}`}, {"param-missing", `"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},` + patch(`[]`), `"paramRef":{"name":"none","parameterNotFoundAction":"Deny"}`},
		{"when", `"matchConditions":[{"name":"c","expression":"object.data.k == 'bad'"}],` + patch(`[JSONPatch{op: "add", path: "/data/when", value: "yes"}]`), ""}, {"when-failing", `"matchConditions":[{"name":"c","expression":"object.data.none == 'x'"}],` + patch(`[]`), ""}, {"two", `"reinvocationPolicy":"IfNeeded","mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: \"add\", path: \"/data/one\", value: \"1\"}]"}},{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{data: {\"two\": object.data.one}}"}}]`, ""}, {"again", patch(`[JSONPatch{op: "add", path: "/data/count", value: has(object.data.count) ? object.data.count + "x" : "x"}]`), ""}, {"request", patch(`[JSONPatch{op: "add", path: "/data/who", value: request.userInfo.username + " " + request.operation + " " + namespaceObject.metadata.name}]`), ""}, {"bound", patch(`[JSONPatch{op: "add", path: "/data/bound", value: "yes"}]`), `"matchResources":{"objectSelector":{"matchLabels":{"more":"yes"}}}`},
	}
	steps := []step{post("", "/api/v1/namespaces", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"story-policies","labels":{"policies":"on"}}}`).silent(), drop("", maps).silent(), post("", maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"wanted","labels":{"wanted":"yes"}},"data":{"want":"good"}}`).silent()}
	for _, p := range table {
		steps = append(steps, policy(kind, p.name, p.spec, p.binding)...)
	}
	steps = append(steps, policy(kind, "last", patch(`[JSONPatch{op: "add", path: "/data/last", value: "is here"}]`), "")...)
	steps = append(steps, post("", maps+"?dryRun=All", policed("last", "x")).until("is here"), post("", maps+"?dryRun=All", policed("param", "x")).until("want"), post("", maps+"?dryRun=All", policed("bound", "x")).until("bound"))
	for _, p := range table {
		steps = append(steps, post("good "+p.name, maps, policed(p.name, "good")), post("bad "+p.name, maps+"?dryRun=All", policed(p.name, "bad")), merge("change "+p.name, maps+"/"+p.name+"?dryRun=All", `{"data":{"k":"bad"}}`), step{name: "apply " + p.name, method: http.MethodPatch, path: maps + "/" + p.name + "?dryRun=All&fieldManager=m&force=true", contentType: applyPatch, body: policed(p.name, "applied")}, drop("delete "+p.name, maps+"/"+p.name+"?dryRun=All"))
	}
	steps = append(steps, merge("more", maps+"/bound", `{"metadata":{"labels":{"more":"yes"}}}`))
	for _, p := range append(table, struct{ name, spec, binding string }{name: "last"}) {
		steps = append(steps, endOf(kind, p.name)...)
	}
	return story{"Mutating policies", append(steps, drop("", maps).silent())}
}
