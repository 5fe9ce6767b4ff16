package flags

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	kmsv2 "k8s.io/kms/apis/v2"
)

// vault is a KMS plugin of version 2 behind a socket. Its "encryption" turns bits around and names its key.
type vault struct {
	kmsv2.UnimplementedKeyManagementServiceServer

	mu      sync.Mutex
	key     string
	healthz string
	calls   map[string]int
}

func (v *vault) count(call string) (key, healthz string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[call]++
	return v.key, v.healthz
}

func (v *vault) set(key, healthz string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.key, v.healthz = key, healthz
}

func (v *vault) Status(context.Context, *kmsv2.StatusRequest) (*kmsv2.StatusResponse, error) {
	key, healthz := v.count("status")
	return &kmsv2.StatusResponse{Version: "v2", Healthz: healthz, KeyId: key}, nil
}

func (v *vault) Encrypt(_ context.Context, r *kmsv2.EncryptRequest) (*kmsv2.EncryptResponse, error) {
	key, healthz := v.count("encrypt")
	if healthz != "ok" {
		return nil, errors.New("the vault is closed")
	}
	return &kmsv2.EncryptResponse{Ciphertext: turned(r.Plaintext), KeyId: key, Annotations: map[string][]byte{"made.example.org": []byte("yes")}}, nil
}

func (v *vault) Decrypt(_ context.Context, r *kmsv2.DecryptRequest) (*kmsv2.DecryptResponse, error) {
	_, healthz := v.count("decrypt")
	if healthz != "ok" || string(r.Annotations["made.example.org"]) != "yes" {
		return nil, errors.New("the vault is closed")
	}
	return &kmsv2.DecryptResponse{Plaintext: turned(r.Ciphertext)}, nil
}

func turned(text []byte) []byte {
	out := bytes.Clone(text)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}

// openVault lets the plugin listen; close ends it.
func (w *world) openVault(name string) (v *vault, end func()) {
	l, err := net.Listen("unix", filepath.Join(w.short, name))
	if err != nil {
		w.t.Fatal(err)
	}
	v = &vault{key: "key-1", healthz: "ok", calls: map[string]int{}}
	s := grpc.NewServer()
	kmsv2.RegisterKeyManagementServiceServer(s, v)
	go func() { _ = s.Serve(l) }()
	w.t.Cleanup(s.Stop)
	return v, s.Stop
}

// stored is the value of a key of this server in etcd, with the lease it has.
func (w *world) stored(key string) (value []byte, lease string) {
	body, _ := json.Marshal(map[string]string{"key": base64.StdEncoding.EncodeToString([]byte(w.prefix + key))})
	resp, err := http.Post(w.bench.etcd+"/v3/kv/range", "application/json", bytes.NewReader(body))
	if err != nil {
		return []byte(err.Error()), ""
	}
	defer resp.Body.Close()
	var out struct {
		Kvs []struct {
			Value []byte
			Lease string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || len(out.Kvs) == 0 {
		return nil, ""
	}
	return out.Kvs[0].Value, out.Kvs[0].Lease
}

var form = regexp.MustCompile(`^(k8s:enc:[a-z]+:v\d+:[^:]*:|k8s\x00|\{)`)

// form is how a configmap is stored, after it was written again.
func (w *world) form(name string) string {
	w.post("/api/v1/namespaces/default/configmaps", fmt.Sprintf(`{"metadata":{"name":%q},"data":{"k":"clear text"}}`, name))
	w.ask(request{method: "PATCH", path: "/api/v1/namespaces/default/configmaps/" + name, contentType: "application/merge-patch+json", body: fmt.Sprintf(`{"data":{"now":"%d"}}`, time.Now().UnixNano())})
	value, _ := w.stored("/configmaps/default/" + name)
	text := fmt.Sprintf("%q", form.FindString(string(value)))
	if bytes.Contains(value, []byte("clear text")) {
		text += " readable"
	}
	for _, key := range []string{"key-1", "key-2"} {
		if bytes.Contains(value, []byte(key)) {
			text += " by " + key
		}
	}
	return text
}

// read is whether a configmap can be read.
func (w *world) read(name string) string {
	return picked(w.get("/api/v1/namespaces/default/configmaps/"+name), at("data", "k"))
}

// readSoon is read for what a server may try to read until the time is up: who notices that first, the server or its client, is chance.
func (w *world) readSoon(name string) string {
	r := w.get("/api/v1/namespaces/default/configmaps/" + name + "?timeout=5s")
	if r.code == 0 || r.code == 504 {
		return "; time is up"
	}
	return picked(r, at("data", "k"))
}

func encrypting(providers string) string {
	return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [configmaps], providers: [" + providers + "]}]\n"
}

var (
	secretBox = "{secretbox: {keys: [{name: box, secret: " + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")) + "}]}}"
	gcm       = "{aesgcm: {keys: [{name: gcm, secret: " + base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210")) + "}]}}"
)

func kms(name string) string {
	return "{kms: {apiVersion: v2, name: " + name + ", endpoint: 'unix://{{short}}/" + name + "', timeout: 3s}}"
}

// A change of the file or of a plugin is seen within a minute.
const seenWithin = 150 * time.Second

func reloads(w *world, status string) string {
	return w.metric("apiserver_encryption_config_controller_automatic_reloads_total{", `status="`+status+`"`)
}

var encryptionEffects = []effect{
	{
		name:     "encryption",
		settings: settings{args: []string{"--encryption-provider-config={{dir}}/config", "--encryption-provider-config-automatic-reload"}, files: map[string]string{"config": encrypting(secretBox)}},
		against:  []string{"--encryption-provider-config={{dir}}/config"},
		probes: []probe{
			{flag: "encryption-provider-config-automatic-reload", see: func(w *world) string {
				before := w.form("reloaded")
				w.write(w.t, "config", encrypting(gcm+", "+secretBox))
				return before + " " + w.until(seenWithin, func() (string, bool) {
					text := w.form("new")
					return text, strings.Contains(text, "gcm")
				}) + w.read("reloaded") + w.form("reloaded") + fmt.Sprint(reloads(w, "success") != "")
			}},
			{flag: "encryption-provider-config-automatic-reload, of a broken file", see: func(w *world) string {
				w.write(w.t, "config", "nonsense")
				return w.until(seenWithin, func() (string, bool) {
					seen := reloads(w, "failure") != ""
					return fmt.Sprint("failure counted: ", seen), seen
				}) + w.form("new") + w.read("reloaded") + verdict(w.get("/healthz")) + verdict(w.get("/readyz"))
			}},
		},
	},
	{
		name:     "encryption at all",
		settings: settings{args: []string{"--encryption-provider-config={{dir}}/config"}, files: map[string]string{"config": encrypting(secretBox)}},
		probes:   []probe{{flag: "encryption-provider-config", see: func(w *world) string { return w.form("encrypted") + w.read("encrypted") }}},
	},
	{
		name:     "key management",
		settings: settings{args: []string{"--encryption-provider-config={{dir}}/config", "--encryption-provider-config-automatic-reload"}, files: map[string]string{"config": encrypting(kms("vault"))}},
		before: func(w *world) {
			v, end := w.openVault("vault")
			w.given["vault"], w.given["end"] = v, end
			other, _ := w.openVault("safe")
			w.given["safe"] = other
		},
		probes: []probe{
			{flag: "encryption-provider-config: KMS v2", see: func(w *world) string {
				v := w.vault()
				return w.form("kept") + w.read("kept") + verdict(w.get("/healthz/kms-providers")) + w.get("/healthz/kms-providers").body + verdict(w.get("/readyz/kms-providers")) + fmt.Sprint(v.calls["encrypt"] > 0, v.calls["status"] > 0)
			}},
			{flag: "encryption-provider-config: KMS v2, another key", see: func(w *world) string {
				w.vault().set("key-2", "ok")
				return w.until(w.wait(), func() (string, bool) {
					text := w.form("rotated")
					return text, strings.Contains(text, "key-2")
				}) + w.read("kept") + w.read("rotated")
			}},
			{flag: "encryption-provider-config: KMS v2, sick", see: func(w *world) string {
				w.vault().set("key-2", "sick")
				return w.until(w.wait(), func() (string, bool) {
					r := w.get("/healthz/kms-providers")
					return verdict(r) + r.body, r.code == 500
				}) + fmt.Sprint(w.get("/readyz").code, w.get("/livez").code) + w.read("kept") + w.form("while-sick")
			}},
			{flag: "encryption-provider-config: KMS v2, well again", see: func(w *world) string {
				w.vault().set("key-2", "ok")
				return w.until(w.wait(), func() (string, bool) {
					r := w.get("/healthz/kms-providers")
					return verdict(r) + r.body, r.code == 200
				})
			}},
			{flag: "encryption-provider-config: KMS v2, another plugin", see: func(w *world) string {
				if w.given["vault"] == nil {
					return "no plugin"
				}
				w.write(w.t, "config", w.filler(w.hook).Replace(encrypting(kms("safe")+", "+kms("vault"))))
				return w.until(seenWithin, func() (string, bool) {
					text := w.form("moved")
					return text, strings.Contains(text, "safe")
				}) + w.read("kept") + w.read("moved")
			}},
			{flag: "encryption-provider-config: KMS v2, gone", see: func(w *world) string {
				if end, ok := w.given["end"].(func()); ok {
					end()
				}
				return w.until(w.wait(), func() (string, bool) {
					r := w.get("/healthz/kms-providers")
					return verdict(r) + dialed.ReplaceAllString(r.body, "DIALED"), r.code == 500
				}) + w.readSoon("kept") + w.readSoon("moved")
			}},
		},
	},
}

var dialed = regexp.MustCompile(`rpc error.*`)

// vault is the plugin of this server; the one without has one that nobody asks.
func (w *world) vault() *vault {
	if v, ok := w.given["vault"].(*vault); ok {
		return v
	}
	return &vault{calls: map[string]int{}}
}

// wait is how long changes of the plugin are waited for.
func (w *world) wait() time.Duration {
	if w.given["vault"] == nil {
		return 0
	}
	return seenWithin
}
