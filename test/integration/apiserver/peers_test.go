package apiserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"slices"
	"testing"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// frontProxy makes a CA and a certificate of a front proxy.
func frontProxy(t *testing.T, name string) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	private := make([]*ecdsa.PrivateKey, 2)
	for i := range private {
		var err error
		if private[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "front-proxy-ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	file := func(name, kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return write(t, filepath.Join(dir, name), string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, private[0].Public(), private[0])
	ca = file("ca.crt", "CERTIFICATE", rootDER, err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, private[1].Public(), private[0])
	cert = file("client.crt", "CERTIFICATE", leafDER, err)
	keyDER, err := x509.MarshalECPrivateKey(private[1])
	return ca, cert, file("client.key", "EC PRIVATE KEY", keyDER, err)
}

// TestPeers: of two servers on one store one does not know batch/v1, and hands requests for it to the other.
func TestPeers(t *testing.T) {
	ca, cert, key := frontProxy(t, "front-proxy-client")
	var certs, sa string
	first := harness.Start(t, harness.Config{Addressed: true, Change: func(c *apiserver.Config) {
		c.ServerID = "apiserver-first"
		c.Peers.AdvertiseIP = "127.0.0.1"
		h := &c.Authentication.RequestHeader
		h.ClientCAFile, h.AllowedNames = ca, []string{"front-proxy-client"}
		h.UsernameHeaders, h.GroupHeaders, h.ExtraHeaderPrefixes = []string{"X-Remote-User"}, []string{"X-Remote-Group"}, []string{"X-Remote-Extra-"}
		certs, sa = c.SecureServing.ServerCert.CertDirectory, c.ServiceAccountSigningKeyFile
	}})
	second := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.ServerID = "apiserver-second"
		c.Peers.AdvertiseIP, c.Peers.CAFile = "127.0.0.1", filepath.Join(certs, "apiserver.crt")
		c.ProxyClientCertFile, c.ProxyClientKeyFile = cert, key
		c.Etcd.StorageConfig.Transport.ServerList = []string{first.Etcd()}
		c.ServiceAccountSigningKeyFile, c.Authentication.ServiceAccounts.KeyFiles = sa, []string{sa}
		if err := c.Enablement.RuntimeConfig.Set("batch/v1=false"); err != nil {
			t.Fatal(err)
		}
	}})
	ctx := context.Background()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j"}}
	job.Spec.Template.Spec = v1.PodSpec{RestartPolicy: v1.RestartPolicyNever, Containers: []v1.Container{{Name: "c", Image: "i"}}}
	jobs := second.Client().BatchV1().Jobs("default")
	eventually(t, "a job through the server that has none", func() bool {
		_, err := jobs.Create(ctx, job, metav1.CreateOptions{})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsServiceUnavailable(err) {
			t.Fatal(err)
		}
		return err == nil
	})
	if _, err := first.Client().BatchV1().Jobs("default").Get(ctx, "j", metav1.GetOptions{}); err != nil {
		t.Errorf("at the server that serves jobs: %v", err)
	}
	// Whoever asks is still who they were, and may no more.
	if _, err := second.As("mallory").BatchV1().Jobs("default").List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a user without rights got %v", err)
	}
	for merged, want := range map[bool]bool{true: true, false: false} {
		accept := "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
		if !merged {
			accept += ";profile=nopeer"
		}
		var status int
		raw, err := second.Client().Discovery().RESTClient().Get().AbsPath("/apis").SetHeader("Accept", accept).Do(ctx).StatusCode(&status).Raw()
		if err != nil {
			t.Fatal(err)
		}
		if got := containsGroup(raw, "batch"); got != want {
			t.Errorf("discovery, merged with peers %v: batch is in it %v", merged, got)
		}
	}
}

func containsGroup(document []byte, group string) bool {
	var list apidiscoveryv2.APIGroupDiscoveryList
	if json.Unmarshal(document, &list) != nil {
		return false
	}
	return slices.ContainsFunc(list.Items, func(g apidiscoveryv2.APIGroupDiscovery) bool { return g.Name == group })
}
