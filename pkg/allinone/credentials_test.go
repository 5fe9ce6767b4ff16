package allinone

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/allinone/pki"
)

// TestCertificatesAreRenewedWhileTheClusterRuns lets a cluster run for most of a year.
func TestCertificatesAreRenewedWhileTheClusterRuns(t *testing.T) {
	cfg := Default()
	cfg.NodeName, cfg.NodeIP = "node", netip.MustParseAddr("192.0.2.1")
	a := &assembly{cfg: cfg, paths: paths{data: t.TempDir()}}
	synctest.Test(t, func(t *testing.T) {
		files, err := a.writeCredentials(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- (&renewal{write: a.writeCredentials, clock: clock.RealClock{}}).Run(ctx) }()
		first := leafOf(t, files.Cert("apiserver"))
		time.Sleep(200 * 24 * time.Hour)
		synctest.Wait()
		if !leafOf(t, files.Cert("apiserver")).Equal(first) {
			t.Error("renewed with more than a third of its life left")
		}
		time.Sleep(100 * 24 * time.Hour)
		synctest.Wait()
		for _, name := range []string{"apiserver", pki.Admin, pki.Kubelet} {
			if left := time.Until(leafOf(t, files.Cert(name)).NotAfter); left < 250*24*time.Hour {
				t.Errorf("certificate %s ends in %v", name, left)
			}
		}
		admin, err := clientcmd.LoadFromFile(a.paths.kubeconfig(pki.Admin))
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := os.ReadFile(files.Cert(pki.Admin))
		if err != nil {
			t.Fatal(err)
		}
		if string(admin.AuthInfos[pki.Admin].ClientCertificateData) != string(renewed) {
			t.Error("the administrator's kubeconfig has another certificate")
		}
		kubelet, err := clientcmd.LoadFromFile(a.paths.kubeconfig(pki.Kubelet))
		if err != nil {
			t.Fatal(err)
		}
		if file := kubelet.AuthInfos[pki.Kubelet].ClientCertificate; !strings.HasSuffix(file, "kubelet.crt") {
			t.Errorf("the kubelet's kubeconfig points at %q", file)
		}
		stop()
		<-ended
	})
}

func leafOf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("%s holds no certificate", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
