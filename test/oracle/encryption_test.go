package oracle

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestEncryption asks servers that encrypt what they store, and puts values into the stores that they cannot read.
func TestEncryption(t *testing.T) {
	if testing.Short() || !wanted(&resource{kind: "Encryption"}) {
		t.Skip("the caches of the servers take minutes to come back")
	}
	key := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const one, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	config := fmt.Sprintf(`apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [configmaps]
  providers: [{aescbc: {keys: [{name: one, secret: %s}, {name: two, secret: %s}]}}, {identity: {}}]
- resources: [podtemplates]
  providers: [{secretbox: {keys: [{name: box, secret: %s}]}}]
- resources: [limitranges]
  providers: [{identity: {}}, {aesgcm: {keys: [{name: old, secret: %s}]}}]
- resources: ["*.kept.example.org", "*.apps"]
  providers: [{aesgcm: {keys: [{name: gcm, secret: %s}]}}]
`, key(one), key(other), key(one), key(other), key(one))
	file := filepath.Join(t.TempDir(), "encryption.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, "--encryption-provider-config="+file)
	if err := r.tell(context.Background(), encrypted()); err != nil {
		t.Fatal(err)
	}
	r.conclude(t)
}

// encrypted writes, breaks and reads what is encrypted.
func encrypted() story {
	const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	const custom = "/apis/kept.example.org/v1/namespaces/default/relics"
	steps := []step{
		post("define", definition, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"relics.kept.example.org"},"spec":{"group":"kept.example.org","scope":"Namespaced","names":{"plural":"relics","kind":"Relic"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`).silent(),
		get("", custom).until("RelicList"),
	}
	for _, k := range []struct{ path, key, body string }{
		{namespaced + "configmaps", "configmaps/default", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q}}`},
		{namespaced + "podtemplates", "podtemplates/default", `{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":%q},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}`},
		{namespaced + "limitranges", "limitranges/default", `{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":%q},"spec":{"limits":[]}}`},
		{custom, "kept.example.org/relics/default", `{"apiVersion":"kept.example.org/v1","kind":"Relic","metadata":{"name":%q}}`},
		{"/apis/apps/v1/namespaces/default/controllerrevisions", "controllerrevisions/default", `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":%q},"revision":1}`},
	} {
		key := func(name string) string { return "/registry/" + k.key + "/" + name }
		for _, n := range []string{"whole", "broken"} {
			steps = append(steps, post("create "+n+" "+k.path, k.path, fmt.Sprintf(k.body, n)), step{name: "form of " + n + " " + k.path, storeKey: key(n)})
		}
		for _, c := range []struct{ name, value string }{
			{"garbage", "garbage"}, {"empty", " "}, {"unknown provider", "k8s:enc:odd:v1:one:garbage"}, {"unknown key", "k8s:enc:aescbc:v1:none:0123456789abcdef0123456789abcdef"}, {"cbc", "k8s:enc:aescbc:v1:one:0123456789abcdef0123456789abcdef"}, {"short cbc", "k8s:enc:aescbc:v1:one:abc"}, {"secretbox", "k8s:enc:secretbox:v1:box:0123456789abcdef0123456789abcdef0123456789"}, {"short secretbox", "k8s:enc:secretbox:v1:box:abc"}, {"gcm", "k8s:enc:aesgcm:v1:gcm:0123456789abcdef0123456789abcdef"}, {"short gcm", "k8s:enc:aesgcm:v1:gcm:abc"}, {"kms", "k8s:enc:kms:v2:vault:abc"}, {"protobuf", "k8s\x00\x01\x02\x03"}, {"other kind", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"broken"}}`}, {"unknown kind", `{"apiVersion":"v9","kind":"Odd","metadata":{"name":"broken"}}`},
		} {
			name := func(what string) string { return what + " of " + c.name + " in " + k.path }
			one := k.path + "/broken"
			steps = append(steps, step{name: "overwrite", storeKey: key("broken"), storeValue: c.value},
				get(name("read"), one), get(name("table"), one).showing(table), get(name("list"), k.path), get(name("page"), k.path+"?limit=1"), get(name("list of all"), k.path+"?resourceVersionMatch=NotOlderThan&resourceVersion=1&limit=5"), get(name("whole"), k.path+"/whole"),
				merge(name("patch"), one, `{"metadata":{"labels":{"a":"b"}}}`), put(name("put"), one, fmt.Sprintf(k.body, "broken")), step{name: name("apply"), method: "PATCH", path: one + "?fieldManager=a&force=true", contentType: applyPatch, body: fmt.Sprintf(k.body, "broken")}, post(name("create"), k.path, fmt.Sprintf(k.body, "broken")), step{name: "restore the overwritten", storeKey: key("broken"), storeValue: c.value},
				drop(name("delete"), one), drop(name("unsafe delete"), one+"?ignoreStoreReadErrorWithClusterBreakingPotential=true"), drop(name("delete of all"), k.path+"?fieldSelector=metadata.name%3Dbroken"), drop(name("forced delete"), one+"?gracePeriodSeconds=0"), step{name: name("form"), storeKey: key("broken")})
		}
	}
	return story{"Encryption", append(steps, get("health", "/healthz?verbose"))}
}
