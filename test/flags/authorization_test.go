package flags

import (
	"fmt"
	"strings"
	"time"
)

// may asks whether a user may do something, by doing it.
func (w *world) may(user, path string) string {
	r := w.ask(request{path: path, user: user})
	if r.code == 200 {
		return user + " " + path + ": 200; "
	}
	return user + " " + path + ": " + verdict(r) + "; "
}

// reviewer answers SubjectAccessReviews: friends may, foes are refused, of all others it thinks nothing.
func reviewer(_ *hook, c call) (int, any) {
	user := fmt.Sprint(dig(c.value, "spec", "user"))
	status := map[string]any{"allowed": strings.HasPrefix(user, "friend"), "denied": strings.HasPrefix(user, "foe"), "reason": "as it is " + user}
	return 200, map[string]any{"apiVersion": c.value["apiVersion"], "kind": "SubjectAccessReview", "status": status}
}

// reviews of a user that the hook saw.
func (w *world) reviewsOf(user string) (out []call) {
	for _, c := range w.hook.seen() {
		if dig(c.value, "spec", "user") == user {
			out = append(out, c)
		}
	}
	return out
}

// askedAgain asks for a user's rights until the server asks the hook once more, as it does when the answer is a second old.
func (w *world) askedAgain(user string) string {
	return w.until(5*time.Second, func() (string, bool) {
		text, n := w.may(user, "/api/v1/pods"), len(w.reviewsOf(user))
		return fmt.Sprint(text, " asked again: ", n > 1), n > 1
	})
}

const webhookMode = "--authorization-mode=Webhook,RBAC"

func structuredAuthorization(condition string) string {
	return `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: asked
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    authorizedTTL: 1m
    unauthorizedTTL: 1m
    failurePolicy: Deny
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: "{{dir}}/hook"}
    matchConditions: [{expression: "request.user.` + condition + `"}]
- {type: RBAC, name: rbac}
`
}

var authorizationEffects = []effect{
	{
		name:     "no rights",
		settings: settings{args: []string{"--authorization-mode=AlwaysDeny"}},
		probes: []probe{{flag: "authorization-mode, AlwaysDeny", see: func(w *world) string {
			return w.may("anna", "/api/v1/namespaces") + w.may("anna", "/version") + verdict(w.ask(request{door: "anonymous", path: "/livez"}))
		}}},
	},
	{
		name:     "all rights",
		settings: settings{args: []string{"--authorization-mode=AlwaysAllow"}},
		probes: []probe{{flag: "authorization-mode, AlwaysAllow", see: func(w *world) string {
			return w.may("anna", "/api/v1/namespaces") + verdict(w.ask(request{door: "anonymous", path: "/livez"}))
		}}},
	},
	{
		name:     "no mode",
		settings: settings{args: []string{"--authorization-mode="}},
		probes: []probe{{flag: "authorization-mode, empty", see: func(w *world) string {
			return w.may("anna", "/api/v1/namespaces") + verdict(w.ask(request{door: "anonymous", path: "/livez"}))
		}}},
	},
	{
		name:     "nodes",
		settings: settings{args: []string{"--authorization-mode=Node,RBAC"}},
		probes: []probe{{flag: "authorization-mode, Node", see: func(w *world) string {
			r := w.ask(request{door: "kubelet-node-1", path: "/api/v1/services"})
			return fmt.Sprint(r.code, " ") + verdict(w.ask(request{door: "kubelet-node-1", path: "/api/v1/namespaces/default/secrets/none"}))
		}}},
	},
	{
		name: "policies of a file",
		settings: settings{args: []string{"--authorization-mode=ABAC", "--authorization-policy-file={{dir}}/policy"}, files: map[string]string{"policy": `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"anna","namespace":"*","resource":"configmaps","readonly":true}}
# a comment

{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"system:authenticated","nonResourcePath":"/metrics"}}
`}},
		probes: []probe{{flag: "authorization-policy-file", see: func(w *world) string {
			return w.may("anna", "/api/v1/namespaces/default/configmaps") + w.may("anna", "/api/v1/namespaces/default/secrets") + w.may("berta", "/api/v1/namespaces/default/configmaps") +
				verdict(w.ask(request{method: "POST", path: "/api/v1/namespaces/default/configmaps", user: "anna", body: `{"metadata":{"name":"a"}}`}))
		}}},
	},
	{
		name:     "webhook",
		settings: settings{args: []string{webhookMode, "--authorization-webhook-config-file={{dir}}/hook", "--authorization-webhook-version=v1", "--authorization-webhook-cache-authorized-ttl=1s", "--authorization-webhook-cache-unauthorized-ttl=1s"}, files: map[string]string{"hook": kubeconfig("/reviews")}},
		against:  []string{webhookMode, "--authorization-webhook-config-file={{dir}}/hook"},
		answer:   reviewer,
		probes: []probe{
			{flag: "authorization-webhook-version", see: func(w *world) string {
				text := w.may("friend", "/api/v1/namespaces/default/secrets?labelSelector=a%3Db&fieldSelector=metadata.name%3Dx")
				for _, c := range w.reviewsOf("friend") {
					text += c.path + fmt.Sprint(c.value["apiVersion"], dig(c.value, "spec"))
				}
				return text
			}},
			{flag: "authorization-webhook-cache-authorized-ttl", see: func(w *world) string { return w.askedAgain("friend-2") }},
			{flag: "authorization-webhook-cache-unauthorized-ttl", see: func(w *world) string { return w.askedAgain("foe") }},
		},
	},
	{
		name:     "webhook at all",
		settings: settings{args: []string{webhookMode, "--authorization-webhook-config-file={{dir}}/hook"}, files: map[string]string{"hook": kubeconfig("/reviews")}},
		answer:   reviewer,
		probes: []probe{{flag: "authorization-webhook-config-file", see: func(w *world) string {
			return w.may("friend", "/api/v1/pods") + w.may("foe", "/api/v1/pods") + w.may("stranger", "/api/v1/pods") + w.may("stranger", "/version")
		}}},
	},
	{
		name:     "structured authorization",
		settings: settings{args: []string{"!authorization-mode", "--authorization-config={{dir}}/config"}, files: map[string]string{"config": structuredAuthorization("startsWith('f')"), "hook": kubeconfig("/reviews")}},
		answer:   reviewer,
		probes: []probe{
			{flag: "authorization-config", see: func(w *world) string {
				return w.may("friend", "/api/v1/pods") + w.may("foe", "/version") + w.may("stranger", "/version") + fmt.Sprint(len(w.reviewsOf("stranger")))
			}},
			{flag: "authorization-config, changed while running", see: func(w *world) string {
				if !strings.HasPrefix(w.file("{{dir}}/config"), "api") {
					return "no file"
				}
				w.write(w.t, "config", w.filler(w.hook).Replace(structuredAuthorization("startsWith('s')")))
				return w.until(90*time.Second, func() (string, bool) {
					text := w.may("stranger", "/api/v1/pods") + w.may("friend", "/api/v1/pods")
					return text, len(w.reviewsOf("stranger")) > 0
				})
			}},
			{flag: "authorization-config, broken while running", see: func(w *world) string {
				if !strings.HasPrefix(w.file("{{dir}}/config"), "api") {
					return "no file"
				}
				w.write(w.t, "config", "nonsense")
				return w.until(90*time.Second, func() (string, bool) {
					seen := w.metric(`apiserver_authorization_config_controller_automatic_reloads_total{`, `status="failure"`) != ""
					return fmt.Sprint("failure counted: ", seen, "; ", w.may("friend", "/api/v1/pods"), len(w.reviewsOf("stranger")) > 0), seen
				})
			}},
		},
	},
}
