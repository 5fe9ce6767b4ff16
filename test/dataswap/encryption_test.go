package dataswap

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// providers are the local ones with the length of their keys.
var providers = map[string]int{"aescbc": 32, "aesgcm": 32, "secretbox": 32}

// TestEncryptedDataIsExchanged lets upstream write encrypted, ours read, change and write, with a newer key in front, and upstream read it all.
func TestEncryptedDataIsExchanged(t *testing.T) {
	for provider, length := range providers {
		t.Run(provider, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "encryption.yaml")
			first, second := newKey(t, length), newKey(t, length)
			configure(t, file, provider, "one", first)
			d := newData(t, "--encryption-provider-config="+file)
			var written, updated map[string]string
			d.serve(upstream, func(s *server) {
				s.createSecret("upstream")
				s.createShips()
				s.encrypted(provider, "one", "secrets/default/upstream", "dataswap.example.org/ships/default/argo")
				written = s.everything()
			})
			configure(t, file, provider, "two", second, "one", first)
			d.serve(ours, func(s *server) {
				s.settle(written)
				compare(t, "what ours reads", written, s.everything())
				s.label("/api/v1/namespaces/default/secrets/upstream", "changed")
				s.label("/apis/dataswap.example.org/v1/namespaces/default/ships/argo", "changed")
				s.createSecret("ours")
				s.encrypted(provider, "two", "secrets/default/upstream", "secrets/default/ours", "dataswap.example.org/ships/default/argo")
				updated = s.everything()
			})
			d.serve(upstream, func(s *server) {
				s.settle(updated)
				compare(t, "what upstream reads", updated, s.everything())
			})
		})
	}
}

func newKey(t *testing.T, length int) string {
	t.Helper()
	key := make([]byte, length)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(key)
}

// configure writes a configuration with named keys, the first of which encrypts.
func configure(t *testing.T, file, provider string, namesAndKeys ...string) {
	t.Helper()
	text := "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n" +
		"- resources: [secrets, ships.dataswap.example.org]\n  providers:\n  - " + provider + ":\n      keys:\n"
	for i := 0; i < len(namesAndKeys); i += 2 {
		text += fmt.Sprintf("      - {name: %q, secret: %q}\n", namesAndKeys[i], namesAndKeys[i+1])
	}
	if err := os.WriteFile(file, []byte(text+"  - identity: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *server) createSecret(name string) {
	s.Helper()
	err := s.create("/api/v1/namespaces/default/secrets", map[string]any{"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": name}, "stringData": map[string]any{"word": secretWord}})
	if err != nil {
		s.Fatal(err)
	}
}

const secretWord = "symplegades"

// createShips makes the custom resources of this test.
func (s *server) createShips() {
	s.Helper()
	for _, m := range manifests(s.T) {
		meta, _ := m["metadata"].(map[string]any) // reviews have none
		path := ""
		switch {
		case meta["name"] == "ships.dataswap.example.org":
			path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		case m["kind"] == "Ship":
			path = "/apis/dataswap.example.org/v1/namespaces/default/ships"
		default:
			continue
		}
		var err error
		s.await("creating "+path, func() bool {
			err = s.create(path, m)
			return err == nil
		})
		if err != nil {
			s.Fatal(err)
		}
	}
}

// encrypted looks at the store itself.
func (s *server) encrypted(provider, key string, paths ...string) {
	s.Helper()
	store := s.raw()
	for _, path := range paths {
		value := string(store["/registry/"+path])
		if !strings.HasPrefix(value, "k8s:enc:"+provider+":v1:"+key+":") {
			s.Errorf("%s begins with %q", path, value[:min(40, len(value))])
		}
	}
	for path, value := range store {
		if strings.Contains(string(value), secretWord) {
			s.Errorf("the secret can be read in %s", path)
		}
	}
}
