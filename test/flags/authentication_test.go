package flags

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

// whoami is who the server takes the sender for.
func (w *world) whoami(r request) string {
	r.method, r.path, r.body = http.MethodPost, reviews, `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`
	a := w.ask(r)
	user, _ := dig(decode(a.body), "status", "userInfo").(map[string]any)
	if user == nil {
		return verdict(a)
	}
	if extra, ok := user["extra"].(map[string]any); ok {
		// It names the certificate or token, which is another one each time.
		delete(extra, "authentication.kubernetes.io/credential-id")
		if len(extra) == 0 {
			delete(user, "extra")
		}
	}
	text, _ := json.Marshal(user)
	return string(text)
}

const standardHeaders = "--requestheader-username-headers=X-Remote-User"

// proxied comes through a front proxy.
func (w *world) proxied(door string, headers ...string) string {
	h := map[string]string{}
	for _, pair := range headers {
		k, v, _ := strings.Cut(pair, "=")
		h[k] = v
	}
	return w.whoami(request{door: door, header: h})
}

// bundle writes the authorities that the server trusts: the bench's and one of its own, which makes alice.
func bundle(w *world) {
	own := newAuthority(w.t, "own-ca")
	w.given["alice"] = own.issue(w.t, "alice", []string{"team"})
	w.write(w.t, "bundle.crt", w.file("{{pki}}/ca.crt")+own.pem)
}

func (w *world) asAlice() string {
	p, ok := w.given["alice"].(pair)
	if !ok {
		p = newAuthority(w.t, "own-ca").issue(w.t, "alice", []string{"team"})
	}
	w.door("alice", p)
	return w.whoami(request{door: "alice"})
}

// otherProxy has a certificate of the front proxies' authority under another name.
func (w *world) otherProxy() string {
	w.door("other-proxy", readAuthority(w.t, w.bench.pki, "front-proxy-ca").issue(w.t, "other-proxy", nil))
	return w.proxied("other-proxy", "X-Remote-User=bob")
}

const trust = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"

// announced is what the server tells aggregated servers about front proxies.
func (w *world) announced(keys ...string) string {
	return w.until(5*time.Second, func() (string, bool) {
		a := w.get(trust)
		var paths [][]any
		for _, k := range keys {
			paths = append(paths, at("data", k))
		}
		text := picked(a, paths...)
		return text, a.code == 200 && !strings.Contains(text, "null")
	})
}

var authenticationEffects = []effect{
	{
		name: "client certificates and front proxies",
		settings: settings{args: []string{
			"--client-ca-file={{dir}}/bundle.crt", "--requestheader-client-ca-file={{pki}}/front-proxy-ca.crt", "--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User,X-My-User", "--requestheader-group-headers=X-Remote-Group,X-My-Group", "--requestheader-uid-headers=X-Remote-Uid,X-My-Uid", "--requestheader-extra-headers-prefix=X-Remote-Extra-,X-My-Extra-",
		}},
		before: bundle,
		probes: []probe{
			{flag: "client-ca-file", see: func(w *world) string { return w.asAlice() }},
			{flag: "requestheader-client-ca-file", see: func(w *world) string {
				return w.proxied("front-proxy-client", "X-Remote-User=bob") + w.announced("requestheader-client-ca-file") + w.proxied("admin", "X-Remote-User=bob")
			}},
			{flag: "requestheader-allowed-names", see: func(w *world) string {
				return w.otherProxy() + w.proxied("front-proxy-client", "X-Remote-User=bob") + w.announced("requestheader-allowed-names")
			}},
			{flag: "requestheader-username-headers", see: func(w *world) string {
				return w.proxied("front-proxy-client", "X-My-User=bob") + w.announced("requestheader-username-headers")
			}},
			{flag: "requestheader-group-headers", see: func(w *world) string {
				return w.proxied("front-proxy-client", "X-Remote-User=bob", "X-My-Group=team", "X-Odd-Group=odd") + w.announced("requestheader-group-headers")
			}},
			{flag: "requestheader-uid-headers", see: func(w *world) string {
				return w.proxied("front-proxy-client", "X-Remote-User=bob", "X-My-Uid=17") + w.announced("requestheader-uid-headers")
			}},
			{flag: "requestheader-extra-headers-prefix", see: func(w *world) string {
				return w.proxied("front-proxy-client", "X-Remote-User=bob", "X-My-Extra-Colour=red", "X-Odd-Extra-Colour=red") + w.announced("requestheader-extra-headers-prefix")
			}},
			{flag: "client-ca-file, taken away while running", see: func(w *world) string {
				if w.given["alice"] == nil {
					return "no file"
				}
				w.write(w.t, "bundle.crt", w.file("{{pki}}/ca.crt"))
				return w.until(90*time.Second, func() (string, bool) {
					text := w.asAlice()
					return text, strings.Contains(text, "401") || strings.Contains(text, "anonymous")
				})
			}},
		},
	},
	{
		name:     "front proxies without names",
		settings: settings{args: []string{"--requestheader-client-ca-file={{pki}}/front-proxy-ca.crt", standardHeaders}},
		against:  []string{"--requestheader-client-ca-file={{pki}}/front-proxy-ca.crt", standardHeaders, "--requestheader-allowed-names=front-proxy-client"},
		probes:   []probe{{flag: "requestheader-allowed-names, empty", see: func(w *world) string { return w.otherProxy() }}},
	},
	{
		name:     "nobody",
		settings: settings{args: []string{"--anonymous-auth=false"}},
		probes: []probe{{flag: "anonymous-auth", see: func(w *world) string {
			return verdict(w.ask(request{door: "anonymous", path: "/livez"})) + "; " + verdict(w.ask(request{door: "anonymous", path: "/api"}))
		}}},
	},
	{
		name: "tokens",
		settings: settings{
			args: []string{
				"--token-auth-file={{dir}}/tokens", "--enable-bootstrap-token-auth", "--service-account-issuer=https://new.example", "--service-account-issuer=https://old.example", "--service-account-jwks-uri=https://keys.example/all",
				"--service-account-key-file={{dir}}/two.pub", "--service-account-key-file={{pki}}/sa.pub", "--service-account-signing-key-file={{dir}}/one.key", "--service-account-key-file={{dir}}/one.pub",
				"--service-account-lookup=false", "--service-account-max-token-expiration=2h", "--service-account-extend-token-expiration=false", "--api-audiences=api,other",
			},
			files: map[string]string{"tokens": "secret-token,carol,uid-17,\"one,two\"\n"},
		},
		before: func(w *world) {
			w.write(w.t, "one.key", rsaPEM(signers["RS256"].(*rsa.PrivateKey)))
			w.write(w.t, "one.pub", publicPEM(w.t, signers["RS256"].Public()))
			w.write(w.t, "two.pub", publicPEM(w.t, signers["ES256"].Public()))
		},
		probes: []probe{
			{flag: "token-auth-file", see: func(w *world) string { return w.whoami(request{door: "anonymous", token: "secret-token"}) }},
			{flag: "enable-bootstrap-token-auth", see: func(w *world) string {
				w.post("/api/v1/namespaces/kube-system/secrets", `{"apiVersion":"v1","kind":"Secret","type":"bootstrap.kubernetes.io/token","metadata":{"name":"bootstrap-token-abcdef"},"stringData":{"token-id":"abcdef","token-secret":"0123456789abcdef","usage-bootstrap-authentication":"true","auth-extra-groups":"system:bootstrappers:ours"}}`)
				return w.until(5*time.Second, func() (string, bool) {
					text := w.whoami(request{door: "anonymous", token: "abcdef.0123456789abcdef"})
					return text, !strings.Contains(text, "401")
				})
			}},
			{flag: "service-account-issuer", see: func(w *world) string {
				token := w.tokenFor("issuer", `{}`)
				old := signedBy(w.t, "ES256", "", signers["ES256"], accountClaims("https://old.example", "issuer", w.uid("issuer")))
				return strings.ReplaceAll(fmt.Sprint(claims(token, 1)["iss"], " ", w.whoami(request{door: "anonymous", token: token}), w.whoami(request{door: "anonymous", token: old})), w.uid("issuer"), "UID") + fmt.Sprint(picked(w.get("/.well-known/openid-configuration"), at("issuer")))
			}},
			{flag: "service-account-jwks-uri", see: func(w *world) string { return picked(w.get("/.well-known/openid-configuration"), at("jwks_uri")) }},
			{flag: "service-account-key-file", see: func(w *world) string {
				keys, _ := dig(decode(w.get("/openid/v1/jwks").body), "keys").([]any)
				var ids []string
				for _, k := range keys {
					ids = append(ids, fmt.Sprint(dig(k, "kty"), dig(k, "alg"), dig(k, "kid")))
				}
				slices.Sort(ids)
				return strings.Join(ids, " ")
			}},
			{flag: "service-account-signing-key-file", see: func(w *world) string { return fmt.Sprint(claims(w.tokenFor("signing", `{}`), 0)) }},
			{flag: "service-account-lookup", see: func(w *world) string {
				token := w.tokenFor("looked-up", `{}`)
				w.ask(request{method: http.MethodDelete, path: accounts + "/looked-up"})
				bound := w.until(3*time.Second, func() (string, bool) {
					text := w.whoami(request{door: "anonymous", token: token})
					// Whoever looks may look into a cache first.
					return strings.ReplaceAll(text, w.uid("looked-up"), "UID"), strings.Contains(text, "401")
				})
				legacy := signedBy(w.t, "ES256", "", w.accountKey(), map[string]any{"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:gone", "kubernetes.io/serviceaccount/namespace": "default", "kubernetes.io/serviceaccount/secret.name": "gone", "kubernetes.io/serviceaccount/service-account.name": "gone", "kubernetes.io/serviceaccount/service-account.uid": "17"})
				return fmt.Sprint(bound, w.whoami(request{door: "anonymous", token: legacy}))
			}},
			{flag: "service-account-max-token-expiration", see: func(w *world) string {
				c := claims(w.tokenFor("long", `{"expirationSeconds":36000}`), 1)
				return fmt.Sprint(seconds(c))
			}},
			{flag: "service-account-extend-token-expiration", see: func(w *world) string {
				c := claims(w.tokenFor("extended", `{"expirationSeconds":3607,"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"bound"}}`), 1)
				pod := claims(w.tokenFor("extended", `{"expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"bound-extended"}}`), 1)
				return fmt.Sprint(seconds(c), " ", seconds(pod), " ", dig(pod, "kubernetes.io", "warnafter") != nil)
			}},
			{flag: "api-audiences", see: func(w *world) string {
				c := claims(w.tokenFor("audience", `{}`), 1)
				only := w.tokenFor("audience", `{"audiences":["other"]}`)
				strange := w.tokenFor("audience", `{"audiences":["strange"]}`)
				return strings.ReplaceAll(fmt.Sprint(c["aud"], w.whoami(request{door: "anonymous", token: only}), w.whoami(request{door: "anonymous", token: strange})), w.uid("audience"), "UID")
			}},
		},
	},
	{
		name: "a signer outside", settings: settings{args: []string{"!service-account-key-file", "!service-account-signing-key-file", "--service-account-signing-endpoint={{short}}/signer"}}, before: openSigner,
		probes: []probe{{flag: "service-account-signing-endpoint", see: func(w *world) string { return w.signedOutside() }}},
	},
	{
		name: "token webhook",
		settings: settings{
			args:  []string{"--authentication-token-webhook-config-file={{dir}}/hook", "--authentication-token-webhook-version=v1", "--authentication-token-webhook-cache-ttl=1s", "--api-audiences=a,b"},
			files: map[string]string{"hook": kubeconfig("/tokens")},
		},
		against: []string{"--authentication-token-webhook-config-file={{dir}}/hook"},
		answer: func(_ *hook, c call) (int, any) {
			status := map[string]any{"authenticated": false}
			if dig(c.value, "spec", "token") == "good" {
				status = map[string]any{"authenticated": true, "user": map[string]any{"username": "dora", "uid": "3", "groups": []string{"g"}, "extra": map[string]any{"k": []string{"v"}}}, "audiences": dig(c.value, "spec", "audiences")}
			}
			return 200, map[string]any{"apiVersion": c.value["apiVersion"], "kind": "TokenReview", "status": status}
		},
		probes: []probe{
			{flag: "authentication-token-webhook-version", see: func(w *world) string {
				text := w.whoami(request{door: "anonymous", token: "good"})
				for _, c := range w.hook.seen() {
					if dig(c.value, "spec", "token") == "good" {
						text += fmt.Sprint(c.path, c.value["apiVersion"], dig(c.value, "spec"), c.header.Get("Authorization"))
					}
				}
				return text
			}},
			{flag: "authentication-token-webhook-cache-ttl", see: func(w *world) string {
				bad := request{door: "anonymous", token: "bad"}
				// It is asked again when the answer is a second old.
				return w.until(5*time.Second, func() (string, bool) {
					text, n := w.whoami(bad), 0
					for _, c := range w.hook.seen() {
						if dig(c.value, "spec", "token") == "bad" {
							n++
						}
					}
					return fmt.Sprint(text, " asked again: ", n > 1), n > 1
				})
			}},
		},
	},
	{
		name:     "token webhook at all",
		settings: settings{args: []string{"--authentication-token-webhook-config-file={{dir}}/hook"}, files: map[string]string{"hook": kubeconfig("/tokens")}},
		answer: func(*hook, call) (int, any) {
			return 200, map[string]any{"apiVersion": "authentication.k8s.io/v1beta1", "kind": "TokenReview", "status": map[string]any{"authenticated": true, "user": map[string]any{"username": "dora"}}}
		},
		probes: []probe{{flag: "authentication-token-webhook-config-file", see: func(w *world) string { return w.whoami(request{door: "anonymous", token: "any"}) }}},
	},
	{
		name:     "OpenID Connect",
		settings: settings{args: append(slices.Clone(oidc), "--oidc-username-claim=email", "--oidc-username-prefix=u:", "--oidc-groups-claim=roles", "--oidc-groups-prefix=g:", "--oidc-required-claim=hd=here", "--oidc-required-claim=kind=full", "--oidc-signing-algs=RS256,ES256")},
		against:  oidc,
		answer:   provider,
		before:   hookAuthority,
		probes: []probe{
			{flag: "oidc-username-claim, oidc-username-prefix", see: func(w *world) string { return w.openID("RS256", nil) }},
			{flag: "oidc-groups-claim, oidc-groups-prefix", see: func(w *world) string { return w.openID("RS256", map[string]any{"roles": []string{"a", "b"}}) }},
			{flag: "oidc-required-claim", see: func(w *world) string { return w.openID("RS256", map[string]any{"hd": "there"}) }},
			{flag: "oidc-signing-algs", see: func(w *world) string { return w.openID("ES256", nil) }},
		},
	},
	{
		name:     "OpenID Connect at all",
		settings: settings{args: oidc},
		answer:   provider,
		before:   hookAuthority,
		probes: []probe{
			{flag: "oidc-issuer-url, oidc-client-id, oidc-ca-file", see: func(w *world) string {
				return w.openID("RS256", nil) + w.openID("RS256", map[string]any{"aud": "another"}) + w.openID("RS256", map[string]any{"iss": "https://another"})
			}},
		},
	},
	{
		name:     "OpenID Connect with another authority",
		settings: settings{args: []string{"--oidc-issuer-url={{hook}}", "--oidc-client-id=app", "--oidc-ca-file={{pki}}/ca.crt"}},
		against:  oidc,
		answer:   provider,
		before:   hookAuthority,
		probes:   []probe{{flag: "oidc-ca-file, of somebody else", see: func(w *world) string { return w.openID("RS256", nil) }}},
	},
	{
		name:     "OpenID Connect without prefix",
		settings: settings{args: append(slices.Clone(oidc), "--oidc-username-prefix=-")},
		against:  oidc,
		answer:   provider,
		before:   hookAuthority,
		probes:   []probe{{flag: "oidc-username-prefix, none", see: func(w *world) string { return w.openID("RS256", nil) }}},
	},
	{
		name:     "structured authentication",
		settings: settings{args: []string{"--authentication-config={{dir}}/config"}, files: map[string]string{"config": structuredAuthentication("mail:", "/livez")}},
		answer:   provider,
		before:   hookAuthority,
		probes: []probe{
			{flag: "authentication-config", see: func(w *world) string { return w.openID("RS256", nil) }},
			{flag: "authentication-config, anonymous", see: func(w *world) string {
				return verdict(w.ask(request{door: "anonymous", path: "/livez"})) + verdict(w.ask(request{door: "anonymous", path: "/readyz"}))
			}},
			{flag: "authentication-config, changed while running", see: func(w *world) string {
				if !strings.HasPrefix(w.file("{{dir}}/config"), "api") {
					return "no file"
				}
				w.write(w.t, "config", w.filler(w.hook).Replace(structuredAuthentication("post:", "/livez")))
				return w.until(90*time.Second, func() (string, bool) {
					text := w.openID("RS256", nil)
					return text, strings.Contains(text, "post:")
				})
			}},
			{flag: "authentication-config, broken while running", see: func(w *world) string {
				if !strings.HasPrefix(w.file("{{dir}}/config"), "api") {
					return "no file"
				}
				w.write(w.t, "config", "nonsense")
				metric := func() string {
					return w.metric(`apiserver_authentication_config_controller_automatic_reloads_total{`, `status="failure"`)
				}
				return w.until(90*time.Second, func() (string, bool) { seen := metric() != ""; return fmt.Sprint("failure counted: ", seen), seen }) + w.openID("RS256", nil)
			}},
		},
	},
}

func structuredAuthentication(prefix, path string) string {
	return `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: true, conditions: [{path: ` + path + `}]}
jwt:
- issuer:
    url: "{{hook}}"
    audiences: [app]
    certificateAuthority: |
      {{hookpem}}
  claimValidationRules:
  - {expression: "claims.hd == 'here'", message: the wrong house}
  claimMappings:
    username: {claim: email, prefix: "` + prefix + `"}
    groups: {expression: "claims.roles"}
    uid: {claim: sub}
    extra: [{key: example.org/hd, valueExpression: claims.hd}]
`
}

var oidc = []string{"--oidc-issuer-url={{hook}}", "--oidc-client-id=app", "--oidc-ca-file={{dir}}/hook.pem"}

func hookAuthority(w *world) { w.write(w.t, "hook.pem", string(w.hook.pem())) }

// openID comes with a token of the hook's.
func (w *world) openID(algorithm string, change map[string]any) string {
	all := map[string]any{"iss": w.hook.URL, "aud": "app", "sub": "erna", "email": "erna@example.org", "email_verified": true, "roles": []string{"r"}, "hd": "here", "kind": "full"}
	for k, v := range change {
		all[k] = v
	}
	token := signed(w.t, algorithm, all)
	if w.given["provider known"] == nil {
		// The server learns of the keys when it comes to it.
		good := signed(w.t, "RS256", map[string]any{"iss": w.hook.URL, "aud": "app", "sub": "erna", "email": "erna@example.org", "email_verified": true, "roles": []string{"r"}, "hd": "here", "kind": "full"})
		w.until(5*time.Second, func() (string, bool) {
			text := w.whoami(request{door: "anonymous", token: good})
			return text, !strings.Contains(text, "401")
		})
		w.given["provider known"] = true
	}
	return strings.ReplaceAll(w.whoami(request{door: "anonymous", token: token}), w.hook.URL, "HOOK") + "\n"
}

const accounts = "/api/v1/namespaces/default/serviceaccounts"

// tokenFor asks for a token of an account of the name, which it makes.
func (w *world) tokenFor(name, spec string) string {
	w.post(accounts, fmt.Sprintf(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":%q}}`, name))
	w.post("/api/v1/namespaces/default/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"bound"}}`)
	w.post("/api/v1/namespaces/default/pods", fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bound-%s"},"spec":{"serviceAccountName":%q,"containers":[{"name":"c","image":"i"}]}}`, name, name))
	if w.given[name] == nil {
		w.given[name] = fmt.Sprint(dig(decode(w.get(accounts+"/"+name).body), "metadata", "uid"))
	}
	a := w.post(accounts+"/"+name+"/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":`+spec+`}`)
	token, _ := dig(decode(a.body), "status", "token").(string)
	if token == "" {
		return verdict(a)
	}
	return token
}

// uid is that of an account that had a token.
func (w *world) uid(name string) string {
	id, _ := w.given[name].(string)
	return id
}

// accountKey signs tokens of service accounts on all servers.
func (w *world) accountKey() crypto.Signer {
	block, _ := pem.Decode([]byte(w.file("{{pki}}/sa.key")))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		w.t.Error(err)
	}
	return key
}

func seconds(c map[string]any) int {
	exp, _ := c["exp"].(float64)
	iat, _ := c["iat"].(float64)
	return int(exp - iat)
}

func accountClaims(issuer, name, uid string) map[string]any {
	return map[string]any{"iss": issuer, "aud": []string{"api"}, "sub": "system:serviceaccount:default:" + name, "kubernetes.io": map[string]any{"namespace": "default", "serviceaccount": map[string]any{"name": name, "uid": uid}}}
}

func rsaPEM(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
