package flags

import (
	"fmt"
	"strings"
)

// pod is one that a namespace takes, unless something stands against it.
func pod(name, more string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q},"spec":{"containers":[{"name":"c","image":"image"%s}]}}`, name, more)
}

const pods = "/api/v1/namespaces/default/pods"

// tried creates without storing, and shows parts of what would be stored.
func (w *world) tried(path, body string, parts ...[]any) string {
	r := w.post(path+"?dryRun=All", body)
	if r.code >= 400 || r.code == 0 {
		return verdict(r) + "; "
	}
	return picked(r, parts...) + "; "
}

const admissionHead = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n"

var admissionEffects = []effect{
	{
		name:     "admission by the old flag",
		settings: settings{args: []string{"!disable-admission-plugins", "--admission-control=AlwaysPullImages,NamespaceLifecycle"}},
		probes: []probe{{flag: "admission-control", see: func(w *world) string {
			return w.tried(pods, pod("old", ""), at("spec", "containers", 0, "imagePullPolicy"), at("spec", "tolerations")) + w.tried("/api/v1/namespaces/none/pods", pod("old", ""))
		}}},
	},
	{
		name: "plugins",
		settings: settings{args: []string{
			"--enable-admission-plugins=AlwaysPullImages,NamespaceAutoProvision,DenyServiceExternalIPs,LimitPodHardAntiAffinityTopology,ExtendedResourceToleration,OwnerReferencesPermissionEnforcement,NodeRestriction,PodTolerationRestriction,PodNodeSelector", "--disable-admission-plugins=ServiceAccount,DefaultTolerationSeconds,PodSecurity,Priority",
		}},
		probes: []probe{
			{flag: "enable-admission-plugins", see: func(w *world) string {
				return w.tried(pods, pod("p", `,"resources":{"limits":{"example.org/gpu":"1"}}`), at("spec", "containers", 0, "imagePullPolicy"), at("spec", "tolerations")) +
					w.tried("/api/v1/namespaces/default/services", `{"metadata":{"name":"e"},"spec":{"ports":[{"port":1}],"externalIPs":["192.0.2.1"]}}`) +
					w.tried("/api/v1/namespaces/made-on-the-way/configmaps", `{"metadata":{"name":"e"}}`) + verdict(w.post("/api/v1/namespaces/made-on-the-way/configmaps", `{"metadata":{"name":"e"}}`))
			}},
			{flag: "disable-admission-plugins", see: func(w *world) string {
				w.post("/api/v1/namespaces", `{"metadata":{"name":"restricted","labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
				return w.tried("/api/v1/namespaces/restricted/pods", pod("p", ""), at("spec", "tolerations"), at("spec", "priority"))
			}},
		},
	},
	{
		name:     "tolerations",
		settings: settings{args: []string{"--default-not-ready-toleration-seconds=17", "--default-unreachable-toleration-seconds=18"}},
		probes: []probe{
			{flag: "default-not-ready-toleration-seconds", see: func(w *world) string { return w.tried(pods, pod("t", ""), at("spec", "tolerations", 0)) }},
			{flag: "default-unreachable-toleration-seconds", see: func(w *world) string { return w.tried(pods, pod("t", ""), at("spec", "tolerations", 1)) }},
		},
	},
	{
		name:     "negative tolerations",
		settings: settings{args: []string{"--default-not-ready-toleration-seconds=-1"}},
		probes:   []probe{{flag: "default-not-ready-toleration-seconds, negative", see: func(w *world) string { return w.tried(pods, pod("t", ""), at("spec", "tolerations", 0)) }}},
	},
	{
		name: "admission settings",
		settings: settings{
			args: []string{"--enable-admission-plugins=EventRateLimit,PodNodeSelector,PodTolerationRestriction,ImagePolicyWebhook", "--admission-control-config-file={{dir}}/config", "--runtime-config=admissionregistration.k8s.io/v1=true"},
			files: map[string]string{
				"config": admissionHead + `- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, warn: restricted, warn-version: latest}
    exemptions: {usernames: [exempt], namespaces: [exempt]}
- name: EventRateLimit
  path: limits.yaml
- name: PodNodeSelector
  path: {{dir}}/selectors.yaml
- name: PodTolerationRestriction
  configuration: {apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1, kind: Configuration, default: [{key: d, operator: Exists}], whitelist: [{key: d, operator: Exists}, {key: w, operator: Exists}, {key: node.kubernetes.io/not-ready, operator: Exists}, {key: node.kubernetes.io/unreachable, operator: Exists}]}
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources: [{resource: secrets, matchContains: [secrets]}]
- name: ImagePolicyWebhook
  configuration:
    imagePolicy: {kubeConfigFile: "{{dir}}/hook", allowTTL: 50, denyTTL: 50, retryBackoff: 500, defaultAllow: true}
- name: ValidatingAdmissionWebhook
  configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: "{{dir}}/webhooks"}
`,
				"limits.yaml":    "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits: [{type: Namespace, qps: 1, burst: 3, cacheSize: 10}, {type: User, qps: 100, burst: 1000}]\n",
				"selectors.yaml": "podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: 'disk=fast', limited: 'zone=a'}\n",
				"hook":           kubeconfig("/images"),
				"webhooks":       "apiVersion: v1\nkind: Config\nusers: [{name: '*', user: {token: for-webhooks}}]\n",
			},
		},
		answer: func(_ *hook, c call) (int, any) {
			if c.value["kind"] == "AdmissionReview" {
				return 200, map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": map[string]any{"uid": dig(c.value, "request", "uid"), "allowed": true}}
			}
			image := fmt.Sprint(dig(c.value, "spec", "containers", 0, "image"))
			status := map[string]any{"allowed": image != "bad"}
			if image == "bad" {
				status["reason"] = "it is bad"
			}
			return 200, map[string]any{"apiVersion": c.value["apiVersion"], "kind": c.value["kind"], "status": status}
		},
		probes: []probe{
			{flag: "admission-control-config-file: PodSecurity", see: func(w *world) string {
				host := strings.Replace(pod("p", ""), `"spec":{`, `"spec":{"hostNetwork":true,`, 1)
				r := w.ask(request{method: "POST", path: pods + "?dryRun=All", body: pod("p", "")})
				return w.tried(pods, host) + fmt.Sprint(r.code, r.header.Values("Warning"))
			}},
			{flag: "admission-control-config-file: EventRateLimit", see: func(w *world) string {
				text := ""
				for i := range 6 {
					text += verdict(w.post("/api/v1/namespaces/kube-public/events", fmt.Sprintf(`{"metadata":{"name":"e%d"},"involvedObject":{"namespace":"kube-public","kind":"Pod","name":"p"},"reason":"r"}`, i))) + "; "
				}
				return text
			}},
			{flag: "admission-control-config-file: PodNodeSelector", see: func(w *world) string {
				w.post("/api/v1/namespaces", `{"metadata":{"name":"limited","annotations":{"scheduler.alpha.kubernetes.io/node-selector":"zone=a"}}}`)
				clash := strings.Replace(pod("p", ""), `"spec":{`, `"spec":{"nodeSelector":{"zone":"b"},`, 1)
				return w.tried(pods, pod("p", ""), at("spec", "nodeSelector")) + w.tried("/api/v1/namespaces/limited/pods", pod("p", ""), at("spec", "nodeSelector")) + w.tried("/api/v1/namespaces/limited/pods", clash)
			}},
			{flag: "admission-control-config-file: PodTolerationRestriction", see: func(w *world) string {
				odd := strings.Replace(pod("p", ""), `"spec":{`, `"spec":{"tolerations":[{"key":"odd","operator":"Exists"}],`, 1)
				return w.tried(pods, pod("p", ""), at("spec", "tolerations")) + w.tried(pods, odd)
			}},
			{flag: "admission-control-config-file: ResourceQuota", see: func(w *world) string {
				return w.tried("/api/v1/namespaces/kube-public/secrets", `{"metadata":{"name":"s"}}`)
			}},
			{flag: "admission-control-config-file: ImagePolicyWebhook", see: func(w *world) string {
				text := w.tried(pods, strings.Replace(pod("p", ""), `"image":"image"`, `"image":"bad"`, 1)) + w.tried(pods, pod("p", ""))
				for _, c := range w.hook.seen() {
					if c.value["kind"] == "ImageReview" && dig(c.value, "spec", "containers", 0, "image") == "bad" {
						text += c.path + fmt.Sprint(c.value["apiVersion"], dig(c.value, "spec"))
					}
				}
				return text
			}},
			{flag: "admission-control-config-file: ValidatingAdmissionWebhook", see: func(w *world) string {
				w.post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", fmt.Sprintf(`{"metadata":{"name":"hook"},"webhooks":[{"name":"a.example.org","admissionReviewVersions":["v1"],"sideEffects":"None","clientConfig":{"url":%q,"caBundle":%q},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"]}]}]}`, w.hook.URL+"/webhook", w.hook.ca))
				return w.until(patience/6, func() (string, bool) {
					w.tried("/api/v1/namespaces/kube-public/configmaps", `{"metadata":{"name":"s"}}`)
					for _, c := range w.hook.seen() {
						if c.path == "/webhook" {
							return c.header.Get("Authorization"), true
						}
					}
					return "not called", false
				})
			}},
		},
	},
}
