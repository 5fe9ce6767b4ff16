package oracle

import (
	"fmt"
	"net/http"
	"strings"
)

// manyVersioned is a kind that is served in several versions.
type manyVersioned struct {
	group, resource, name string
	namespaced            bool
	versions              []string
	// spec is the body without apiVersion and kind, by version; "" is for all others.
	kind   string
	bodies map[string]string
	// patches change a field, by version.
	patches map[string]string
}

func (m manyVersioned) path(version string) string {
	p := "/apis/" + m.group + "/" + version
	if m.namespaced {
		p += "/namespaces/default"
	}
	return p + "/" + m.resource
}

func (m manyVersioned) body(version string) string {
	text, ok := m.bodies[version]
	if !ok {
		text = m.bodies[""]
	}
	return fmt.Sprintf(`{"apiVersion":"%s/%s","kind":"%s","metadata":{"name":"%s","labels":{"many":"yes"}},%s}`, m.group, version, m.kind, m.name, text)
}

func (m manyVersioned) patch(version string) string {
	if text, ok := m.patches[version]; ok {
		return text
	}
	return m.patches[""]
}

// severalVersions leads one object of each kind through all its versions.
func severalVersions() []story {
	policy := `"spec":{"failurePolicy":"Fail","reinvocationPolicy":"Never","matchConstraints":{"resourceRules":[{"operations":["CREATE"],"apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments"]}]},"mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{}"}}]}`
	const claim = `"spec":{"devices":{"requests":[{"name":"one","exactly":{"deviceClassName":"gpu","count":2,"allocationMode":"ExactCount"}},{"name":"two","firstAvailable":[{"name":"sub","deviceClassName":"gpu"}]}]}}`
	const flat = `"spec":{"devices":{"requests":[{"name":"one","deviceClassName":"gpu","count":2},{"name":"two","firstAvailable":[{"name":"sub","deviceClassName":"gpu"}]}]}}`
	const slice = `"spec":{"driver":"driver.example.com","allNodes":true,"pool":{"name":"p","generation":1,"resourceSliceCount":1},"devices":[{"name":"d0","attributes":{"a":{"int":1}},"taints":[{"key":"k","effect":"NoSchedule","timeAdded":"2020-01-01T00:00:00Z"}]},{"name":"bare"}]}`
	const deep = `"spec":{"driver":"driver.example.com","allNodes":true,"pool":{"name":"p","generation":1,"resourceSliceCount":1},"devices":[{"name":"d0","basic":{"attributes":{"a":{"int":1}},"taints":[{"key":"k","effect":"NoSchedule","timeAdded":"2020-01-01T00:00:00Z"}]}},{"name":"bare","basic":{}},{"name":"nothing"}]}`
	devices := []string{"v1", "v1beta2", "v1beta1"}
	var out []story
	for _, m := range []manyVersioned{
		{group: "networking.k8s.io", resource: "ipaddresses", kind: "IPAddress", name: "192.168.9.9", versions: []string{"v1", "v1beta1"}, bodies: map[string]string{"": `"spec":{"parentRef":{"group":"example.com","resource":"things","name":"t"}}`}, patches: map[string]string{"": `{"metadata":{"annotations":{"a":"b"}}}`}},
		{group: "networking.k8s.io", resource: "servicecidrs", kind: "ServiceCIDR", name: "many", versions: []string{"v1", "v1beta1"}, bodies: map[string]string{"": `"spec":{"cidrs":["10.201.0.0/24"]}`}, patches: map[string]string{"": `{"metadata":{"annotations":{"a":"b"}},"spec":{"cidrs":["10.201.0.0/24","fd00:2::/112"]}}`}},
		{group: "storage.k8s.io", resource: "volumeattributesclasses", kind: "VolumeAttributesClass", name: "many", versions: []string{"v1", "v1beta1"}, bodies: map[string]string{"": `"driverName":"d.example.com","parameters":{"a":"b"}`}, patches: map[string]string{"": `{"metadata":{"annotations":{"a":"b"}}}`}},
		{group: "admissionregistration.k8s.io", resource: "mutatingadmissionpolicies", kind: "MutatingAdmissionPolicy", name: "many", versions: []string{"v1", "v1beta1", "v1alpha1"}, bodies: map[string]string{"": policy}, patches: map[string]string{"": `{"spec":{"failurePolicy":"Ignore"}}`}},
		{group: "admissionregistration.k8s.io", resource: "mutatingadmissionpolicybindings", kind: "MutatingAdmissionPolicyBinding", name: "many", versions: []string{"v1", "v1beta1", "v1alpha1"}, bodies: map[string]string{"": `"spec":{"policyName":"none"}`}, patches: map[string]string{"": `{"spec":{"matchResources":{"resourceRules":[]}}}`}},
		{group: "coordination.k8s.io", resource: "leasecandidates", kind: "LeaseCandidate", name: "many", namespaced: true, versions: []string{"v1beta1", "v1alpha2"}, bodies: map[string]string{"": `"spec":{"leaseName":"l","binaryVersion":"1.36.0","emulationVersion":"1.36.0","strategy":"OldestEmulationVersion"}`}, patches: map[string]string{"": `{"spec":{"emulationVersion":"1.35.0"}}`}},
		{group: "resource.k8s.io", resource: "devicetaintrules", kind: "DeviceTaintRule", name: "many", versions: []string{"v1beta2", "v1alpha3"}, bodies: map[string]string{"": `"spec":{"deviceSelector":{"pool":"p"},"taint":{"key":"k","effect":"None","timeAdded":"2020-01-01T00:00:00Z"}}`}, patches: map[string]string{"": `{"spec":{"taint":{"value":"v"}}}`}},
		{group: "resource.k8s.io", resource: "deviceclasses", kind: "DeviceClass", name: "many", versions: devices, bodies: map[string]string{"": `"spec":{"selectors":[{"cel":{"expression":"true"}}]}`}, patches: map[string]string{"": `{"spec":{"extendedResourceName":"example.com/many"}}`}},
		{group: "resource.k8s.io", resource: "resourceclaims", kind: "ResourceClaim", name: "many", namespaced: true, versions: devices, bodies: map[string]string{"": claim, "v1beta1": flat}, patches: map[string]string{"": `{"metadata":{"annotations":{"a":"b"}}}`}},
		{group: "resource.k8s.io", resource: "resourceclaimtemplates", kind: "ResourceClaimTemplate", name: "many", namespaced: true, versions: devices, bodies: map[string]string{"": `"spec":{` + claim + `}`, "v1beta1": `"spec":{` + flat + `}`}, patches: map[string]string{"": `{"metadata":{"annotations":{"a":"b"}}}`}},
		{group: "resource.k8s.io", resource: "resourceslices", kind: "ResourceSlice", name: "many", versions: devices, bodies: map[string]string{"": slice, "v1beta1": deep}, patches: map[string]string{"": `{"spec":{"devices":[{"name":"d1","attributes":{"a":{"bool":true}}}]}}`, "v1beta1": `{"spec":{"devices":[{"name":"d1","basic":{"attributes":{"a":{"bool":true}}}}]}}`}},
	} {
		out = append(out, story{"Versions of " + m.kind, m.steps()})
	}
	return out
}

func (m manyVersioned) steps() []step {
	since := "?watch=1&timeoutSeconds=1&resourceVersion={{since}}&labelSelector=many"
	namespace := ""
	if m.namespaced {
		namespace = "default/"
	}
	store := "/registry/" + m.resource + "/" + namespace + m.name
	apply := func(name, version, manager, more string) step {
		return step{name: name, method: http.MethodPatch, path: m.path(version) + "/" + m.name + "?fieldManager=" + manager + more, contentType: applyPatch, body: m.body(version)}
	}
	var out []step
	for _, made := range m.versions {
		one := func(version string) string { return m.path(version) + "/" + m.name }
		out = append(out, gone(one(made)),
			get("before "+made, m.path(made)+"?labelSelector=many"),
			post("create as "+made, m.path(made), m.body(made)), step{name: "stored from " + made, storeKey: store},
		)
		for _, v := range m.versions {
			name := made + " as " + v
			out = append(out,
				get("get "+name, one(v)), get("get in protobuf "+name, one(v)).showing(protobufType), get("table of "+name, one(v)).showing(table), get("metadata of "+name, one(v)).showing(meta),
				get("list "+name, m.path(v)+"?labelSelector=many"), get("list in protobuf "+name, m.path(v)+"?labelSelector=many").showing(protobufType), get("list at 0 "+name, m.path(v)+"?labelSelector=many&resourceVersion=0"),
				get("table of list "+name, m.path(v)+"?labelSelector=many").showing(table),
				merge("patch "+name, one(v), m.patch(v)), strategic("strategic patch "+name, one(v), `{"metadata":{"labels":{"by":"`+v+`"}}}`),
				step{name: "json patch " + name, method: http.MethodPatch, path: one(v), contentType: "application/json-patch+json", body: `[{"op":"test","path":"/apiVersion","value":"` + m.group + "/" + v + `"},{"op":"add","path":"/metadata/annotations","value":{"c":"d"}}]`},
				apply("apply "+name, v, "manager-"+v, ""), apply("apply by force "+name, v, "manager-"+v, "&force=true"), apply("apply again "+name, v, "manager-"+v, ""),
				get("field selector "+name, m.path(v)+"?fieldSelector=metadata.name%3D"+m.name), get("odd field selector "+name, m.path(v)+"?fieldSelector=spec.odd%3Dx"), get("driver "+name, m.path(v)+"?fieldSelector=spec.driver%3Dx"),
			)
		}
		for _, v := range m.versions {
			out = append(out, get("get "+made+" at last as "+v, one(v)))
		}
		out = append(out, step{name: "stored at last from " + made, storeKey: store})
		for _, v := range m.versions {
			put := put("put "+made+" as "+v, one(v), strings.Replace(m.body(v), `"metadata":{`, `"metadata":{"resourceVersion":"{{version}}",`, 1))
			out = append(out, get("", one(v)).keeping("version", "metadata.resourceVersion").silent(), put)
		}
		// Each of these changes something; what changes nothing may be written for the second in which it came.
		out = append(out, get("", m.path(made)+"?labelSelector=many").keeping("since", "metadata.resourceVersion").silent())
		for _, v := range m.versions {
			out = append(out, merge("label "+made+" as "+v, one(v), `{"metadata":{"labels":{"watched":"`+v+`"}}}`))
		}
		out = append(out, drop("delete "+made, one(m.versions[0])))
		if made == m.versions[0] {
			for _, v := range m.versions {
				out = append(out, get("watch "+made+" as "+v, m.path(v)+since))
			}
			last := m.versions[len(m.versions)-1]
			out = append(out, get("watch in protobuf "+made+" as "+last, m.path(last)+since).showing(protobufType+";stream=watch"))
		}
		out = append(out, post("of "+made+" in the place of another", m.path(m.versions[0]), m.body(made)), gone(one(m.versions[0])))
	}
	last := m.versions[len(m.versions)-1]
	return append(out, get("resources", "/apis/"+m.group+"/"+last), drop("delete none", m.path(last)+"?labelSelector=none"))
}
