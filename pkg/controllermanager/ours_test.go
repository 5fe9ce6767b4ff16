package controllermanager

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// startOurs runs all controllers on our own API server in this process, each with the rights of its own service account.
func startOurs(t *testing.T) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts etcd and an API server")
	}
	dir := t.TempDir()
	caFile, caKey := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "test"}, key)
	if err != nil {
		t.Fatal(err)
	}
	caPEM, err := cert.EncodeCertificates(ca)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{caFile: caPEM, caKey: keyPEM} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings := DefaultSettings()
	h := harness.Start(t, harness.Config{Change: func(a *apiserver.Config) {
		settings.SAController.ServiceAccountKeyFile = a.ServiceAccountSigningKeyFile
	}})
	settings.Generic.Controllers = append(settings.Generic.Controllers, OffByDefault()...)
	settings.SAController.RootCAFile = caFile
	settings.CSRSigningController.ClusterSigningCertFile, settings.CSRSigningController.ClusterSigningKeyFile = caFile, caKey
	c := &cluster{T: t, config: unlimited(h.RESTConfig()), admin: h.Client()}
	config := func(name string) (*rest.Config, error) {
		cfg := unlimited(h.RESTConfig())
		cfg.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:kube-system:" + name,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}}
		if name == process {
			cfg.Impersonate = rest.ImpersonationConfig{UserName: "system:kube-controller-manager", Groups: []string{"system:authenticated"}}
		}
		return cfg, nil
	}
	c.run(Config{Settings: settings, RootCA: caPEM, Clients: Clients{REST: config, Kubernetes: func(name string) (kubernetes.Interface, error) {
		cfg, err := config(name)
		if err != nil {
			return nil, err
		}
		return kubernetes.NewForConfig(cfg)
	}}})
	return c
}
