package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	certificates "k8s.io/api/certificates/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/certificate"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
)

// bootstrap makes --kubeconfig out of --bootstrap-kubeconfig: it asks the API server for a client certificate and
// waits until somebody has approved it.
func (o *options) bootstrap(ctx context.Context, nodeName string) error {
	if o.bootstrapKubeconfig == "" || o.kubeconfig == "" {
		return nil
	}
	if _, err := os.Stat(o.kubeconfig); err == nil {
		return nil // born already
	}
	rc, err := clientcmd.BuildConfigFromFlags("", o.bootstrapKubeconfig)
	if err != nil {
		return fmt.Errorf("reading --bootstrap-kubeconfig: %w", err)
	}
	m, err := o.clientCertificates(nodeName, func(*tls.Certificate) (kubernetes.Interface, error) { return kubernetes.NewForConfig(rc) })
	if err != nil {
		return err
	}
	m.Start()
	defer m.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for m.Current() == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the node's first certificate: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return o.writeKubeconfig(rc)
}

// writeKubeconfig points at the certificate file, which rotation replaces under the same name.
func (o *options) writeKubeconfig(rc *rest.Config) error {
	current := filepath.Join(o.certDir, "kubelet-client-current.pem")
	cfg := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"default-cluster": {Server: rc.Host, CertificateAuthority: rc.CAFile,
			CertificateAuthorityData: rc.CAData, InsecureSkipTLSVerify: rc.Insecure, TLSServerName: rc.ServerName}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"default-auth": {ClientCertificate: current, ClientKey: current}},
		Contexts:       map[string]*clientcmdapi.Context{"default-context": {Cluster: "default-cluster", AuthInfo: "default-auth"}},
		CurrentContext: "default-context",
	}
	if err := clientcmd.WriteToFile(cfg, o.kubeconfig); err != nil {
		return fmt.Errorf("writing --kubeconfig: %w", err)
	}
	return nil
}

// clientCertificates keeps the node's client certificate.
func (o *options) clientCertificates(nodeName string, client certificate.ClientsetFunc) (certificate.Manager, error) {
	store, err := certificate.NewFileStore("kubelet-client", o.certDir, o.certDir, "", "")
	if err != nil {
		return nil, fmt.Errorf("opening --cert-dir: %w", err)
	}
	m, err := certificate.NewManager(&certificate.Config{
		Name: "client", ClientsetFn: client, CertificateStore: store,
		SignerName: certificates.KubeAPIServerClientKubeletSignerName,
		GetUsages:  func(any) []certificates.KeyUsage { return usages(certificates.UsageClientAuth) },
		Template:   &x509.CertificateRequest{Subject: subject(nodeName)},
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the client certificate: %w", err)
	}
	return m, nil
}

// servingCertificates keeps the certificate of the kubelet's own server (serverTLSBootstrap).
func (o *options) servingCertificates(nodeName string, ips []net.IP, client kubernetes.Interface) (certificate.Manager, error) {
	store, err := certificate.NewFileStore("kubelet-server", o.certDir, o.certDir, "", "")
	if err != nil {
		return nil, fmt.Errorf("opening --cert-dir: %w", err)
	}
	m, err := certificate.NewManager(&certificate.Config{
		Name: "server", CertificateStore: store, SignerName: certificates.KubeletServingSignerName,
		ClientsetFn: func(*tls.Certificate) (kubernetes.Interface, error) { return client, nil },
		GetUsages:   func(any) []certificates.KeyUsage { return usages(certificates.UsageServerAuth) },
		Template:    &x509.CertificateRequest{Subject: subject(nodeName), DNSNames: []string{nodeName}, IPAddresses: ips},
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the serving certificate: %w", err)
	}
	return m, nil
}

func subject(nodeName string) pkix.Name {
	return pkix.Name{CommonName: "system:node:" + nodeName, Organization: []string{"system:nodes"}}
}

func usages(purpose certificates.KeyUsage) []certificates.KeyUsage {
	return []certificates.KeyUsage{certificates.UsageDigitalSignature, purpose} // keys are elliptic: no key encipherment
}

// rotate starts what keeps certificates fresh; stop ends it. The client certificate is read again by client-go when
// its file changes.
func (o *options) rotate(kc *kubeletconfig.KubeletConfiguration, nodeName string, ips []net.IP, client kubernetes.Interface) (get func(*tls.ClientHelloInfo) (*tls.Certificate, error), stop func(), err error) {
	var running []certificate.Manager
	stop = func() {
		for _, m := range running {
			m.Stop()
		}
	}
	if kc.RotateCertificates && o.bootstrapKubeconfig != "" {
		m, err := o.clientCertificates(nodeName, func(*tls.Certificate) (kubernetes.Interface, error) { return client, nil })
		if err != nil {
			return nil, stop, err
		}
		m.Start()
		running = append(running, m)
	}
	if !kc.ServerTLSBootstrap {
		return nil, stop, nil
	}
	m, err := o.servingCertificates(nodeName, ips, client)
	if err != nil {
		return nil, stop, err
	}
	m.Start()
	running = append(running, m)
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c := m.Current(); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("no serving certificate for the kubelet: it has not been approved yet")
	}, stop, nil
}
