package apiserver

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig/controller"
	kms "k8s.io/kms/apis/v2"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

const secretText = "nobody may read this"

func encryption(providers string) string {
	return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n" + providers
}

func keyed(provider, name, key string) string {
	return fmt.Sprintf("  - %s: {keys: [{name: %s, secret: %s}]}\n", provider, name, base64.StdEncoding.EncodeToString([]byte(key)))
}

// stored is what the store holds under the key.
func stored(t *testing.T, c *harness.Cluster, key string) []byte {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{c.Etcd()}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	resp, err := client.Get(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Kvs) != 1 {
		t.Fatalf("%s is not in the store", key)
	}
	return resp.Kvs[0].Value
}

func createSecret(t *testing.T, c *harness.Cluster, name string) {
	t.Helper()
	_, err := c.Client().CoreV1().Secrets("default").Create(context.Background(),
		&v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"k": secretText}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func wantSecret(t *testing.T, c *harness.Cluster, name, prefix string) {
	t.Helper()
	raw := stored(t, c, "/registry/secrets/default/"+name)
	if !bytes.HasPrefix(raw, []byte(prefix)) {
		t.Errorf("%s begins with %q, want %q", name, raw[:min(len(raw), 40)], prefix)
	}
	if encrypted := strings.HasPrefix(prefix, "k8s:enc:"); encrypted == bytes.Contains(raw, []byte(secretText)) {
		t.Errorf("%s with prefix %q: readable in the store is %v", name, prefix, !encrypted)
	}
	s, err := c.Client().CoreV1().Secrets("default").Get(context.Background(), name, metav1.GetOptions{})
	if err != nil || string(s.Data["k"]) != secretText {
		t.Errorf("reading %s: %q, %v", name, s.Data["k"], err)
	}
}

// rewrite updates every secret, as one does after the key has changed.
func rewrite(t *testing.T, c *harness.Cluster) {
	t.Helper()
	secrets := c.Client().CoreV1().Secrets("")
	list, err := secrets.List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Items {
		if _, err := c.Client().CoreV1().Secrets(s.Namespace).Update(context.Background(), &s, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func startEncrypted(t *testing.T, providers string) (c *harness.Cluster, file string) {
	t.Helper()
	// Once a minute is too seldom for a test.
	controller.EncryptionConfigFileChangePollDuration = 100 * time.Millisecond
	file = write(t, filepath.Join(t.TempDir(), "encryption.yaml"), encryption(providers))
	return harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Etcd.EncryptionProviderConfigFilepath, c.Etcd.EncryptionProviderConfigAutomaticReload = file, true
	}}), file
}

const key32, other32 = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"

// TestEncryption goes from one provider to the next on a running server: the file changes, the objects are rewritten.
func TestEncryption(t *testing.T) {
	plugin := newPlugin(t)
	c, file := startEncrypted(t, keyed("aescbc", "one", key32)+"  - identity: {}\n")
	createSecret(t, c, "s")
	wantSecret(t, c, "s", "k8s:enc:aescbc:v1:one:")
	kmsEntry := fmt.Sprintf("  - kms: {apiVersion: v2, name: vault, endpoint: 'unix://%s', timeout: 3s}\n", plugin.socket)
	before := keyed("aescbc", "one", key32)
	for _, step := range []struct{ name, entry, prefix string }{
		{"rotated", keyed("aescbc", "two", other32), "k8s:enc:aescbc:v1:two:"},
		{"secretbox", keyed("secretbox", "box", key32), "k8s:enc:secretbox:v1:box:"},
		{"aesgcm", keyed("aesgcm", "gcm", key32), "k8s:enc:aesgcm:v1:gcm:"},
		{"kms", kmsEntry, "k8s:enc:kms:v2:vault:"},
		{"identity", "  - identity: {}\n", "k8s\x00"},
	} {
		t.Run(step.name, func(t *testing.T) {
			write(t, file, encryption(step.entry+before))
			number := 0
			eventually(t, "the changed configuration", func() bool {
				number++
				name := fmt.Sprintf("probe-%s-%d", step.name, number)
				createSecret(t, c, name)
				return bytes.HasPrefix(stored(t, c, "/registry/secrets/default/"+name), []byte(step.prefix))
			})
			rewrite(t, c)
			wantSecret(t, c, "s", step.prefix)
			before = step.entry
			// The old provider may go now.
			write(t, file, encryption(step.entry))
		})
	}
	if plugin.wrapped.Load() == 0 {
		t.Error("the KMS plugin was never asked")
	}
}

// plugin is a KMS v2 plugin: its secret is a byte to be added.
type plugin struct {
	kms.UnimplementedKeyManagementServiceServer
	socket  string
	wrapped atomic.Int64
}

func newPlugin(t *testing.T) *plugin {
	t.Helper()
	p := &plugin{socket: filepath.Join(t.TempDir(), "kms.sock")}
	listener, err := net.Listen("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	kms.RegisterKeyManagementServiceServer(s, p)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return p
}

const keyID = "key-1"

func add(text []byte, n byte) []byte {
	out := bytes.Clone(text)
	for i := range out {
		out[i] += n
	}
	return out
}

// Status implements the plugin.
func (p *plugin) Status(context.Context, *kms.StatusRequest) (*kms.StatusResponse, error) {
	return &kms.StatusResponse{Version: "v2", Healthz: "ok", KeyId: keyID}, nil
}

// Encrypt implements the plugin.
func (p *plugin) Encrypt(_ context.Context, r *kms.EncryptRequest) (*kms.EncryptResponse, error) {
	p.wrapped.Add(1)
	return &kms.EncryptResponse{Ciphertext: add(r.GetPlaintext(), 7), KeyId: keyID}, nil
}

// Decrypt implements the plugin.
func (p *plugin) Decrypt(_ context.Context, r *kms.DecryptRequest) (*kms.DecryptResponse, error) {
	return &kms.DecryptResponse{Plaintext: add(r.GetCiphertext(), 249)}, nil
}
