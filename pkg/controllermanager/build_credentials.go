package controllermanager

import (
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	kcmconfig "k8s.io/kube-controller-manager/config/v1alpha1"

	"tiphys.dev/tiphys/pkg/controller/bootstrapsigner"
	"tiphys.dev/tiphys/pkg/controller/csrapproving"
	"tiphys.dev/tiphys/pkg/controller/csrcleaner"
	"tiphys.dev/tiphys/pkg/controller/csrsigning"
	"tiphys.dev/tiphys/pkg/controller/legacytokencleaner"
	"tiphys.dev/tiphys/pkg/controller/serviceaccounttoken"
	"tiphys.dev/tiphys/pkg/controller/tokencleaner"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// process is the identity of the manager itself, for what no service account may do.
const process = "shared-informers"

func tokenKeyGiven(c *Config) bool { return c.Settings.SAController.ServiceAccountKeyFile != "" }

// buildServiceAccountToken works as the manager itself: service accounts could have no token before it runs.
func buildServiceAccountToken(d *deps) (lifecycle.Runner, error) {
	client, err := d.manager.cfg.Clients.Kubernetes(process)
	if err != nil {
		return nil, err
	}
	signer, err := serviceaccounttoken.NewSigner(d.settings.SAController.ServiceAccountKeyFile)
	if err != nil {
		return nil, err
	}
	var rootCA []byte
	if d.settings.SAController.RootCAFile != "" {
		rootCA = d.manager.cfg.RootCA
	}
	return runs(serviceaccounttoken.New(serviceaccounttoken.Config{Client: client, ServiceAccounts: d.informers.Core().V1().ServiceAccounts(), Signer: signer,
		RootCA: rootCA, Workers: int(d.settings.SAController.ConcurrentSATokenSyncs), Metrics: d.queues}))
}

func buildLegacyTokenCleaner(d *deps) (lifecycle.Runner, error) {
	reader, err := d.manager.cfg.Clients.Kubernetes(process)
	if err != nil {
		return nil, err
	}
	core := d.informers.Core().V1()
	return runs(legacytokencleaner.New(legacytokencleaner.Config{Client: d.client, Reader: reader, ServiceAccounts: core.ServiceAccounts(), Pods: core.Pods(),
		Period: d.settings.LegacySATokenCleaner.CleanUpPeriod.Duration, Clock: d.clock}))
}

func buildCSRApproving(d *deps) (lifecycle.Runner, error) {
	return runs(csrapproving.New(csrapproving.Config{Client: d.client, Requests: d.informers.Certificates().V1().CertificateSigningRequests(), Workers: 5, Metrics: d.queues}))
}

func buildCSRCleaner(d *deps) (lifecycle.Runner, error) {
	return runs(csrcleaner.New(csrcleaner.Config{Client: d.client, Requests: d.informers.Certificates().V1().CertificateSigningRequests(), Metrics: d.queues, Clock: d.clock}))
}

// authorities are the pairs of files by signer. The general pair stands for every signer, unless one has its own.
func authorities(s *kcmconfig.CSRSigningControllerConfiguration) (map[string]csrsigning.Authority, error) {
	general := csrsigning.Authority{CertFile: s.ClusterSigningCertFile, KeyFile: s.ClusterSigningKeyFile}
	out := map[string]csrsigning.Authority{}
	for name, own := range map[string]kcmconfig.CSRSigningConfiguration{
		certificatesv1.KubeAPIServerClientSignerName:        s.KubeAPIServerClientSignerConfiguration,
		certificatesv1.KubeAPIServerClientKubeletSignerName: s.KubeletClientSignerConfiguration,
		certificatesv1.KubeletServingSignerName:             s.KubeletServingSignerConfiguration,
		csrsigning.LegacyUnknown:                            s.LegacyUnknownSignerConfiguration,
	} {
		a := csrsigning.Authority(own)
		if a != (csrsigning.Authority{}) && general != (csrsigning.Authority{}) {
			return nil, fmt.Errorf("cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time")
		}
		if a == (csrsigning.Authority{}) {
			a = general
		}
		if (a.CertFile == "") != (a.KeyFile == "") {
			return nil, fmt.Errorf("cannot specify only one of the certificate and the key file of %s", name)
		}
		if a.CertFile != "" {
			out[name] = a
		}
	}
	return out, nil
}

func signingConfigured(c *Config) bool {
	// A wrong configuration is for the builder to complain about.
	a, err := authorities(&c.Settings.CSRSigningController)
	return err != nil || len(a) > 0
}

func buildCSRSigning(d *deps) (lifecycle.Runner, error) {
	a, err := authorities(&d.settings.CSRSigningController)
	if err != nil {
		return nil, err
	}
	return runs(csrsigning.New(csrsigning.Config{Client: d.client, Requests: d.informers.Certificates().V1().CertificateSigningRequests(), Authorities: a,
		Longest: d.settings.CSRSigningController.ClusterSigningDuration.Duration, Workers: 5, Metrics: d.queues, Clock: d.clock}))
}

func buildBootstrapSigner(d *deps) (lifecycle.Runner, error) {
	return runs(bootstrapsigner.New(bootstrapsigner.Config{Client: d.client, Metrics: d.queues, Clock: d.clock}))
}

func buildTokenCleaner(d *deps) (lifecycle.Runner, error) {
	return runs(tokencleaner.New(tokencleaner.Config{Client: d.client, Metrics: d.queues, Clock: d.clock}))
}
