package allinone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/allinone/process"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// program runs an upstream-compatible binary in a component's place.
func (a *assembly) program(name, path string) build {
	return func(context.Context) (lifecycle.Runner, error) {
		args := append(a.arguments(name), "--v="+strconv.Itoa(a.cfg.Verbosity))
		probe, err := a.probe(name)
		if err != nil {
			return nil, err
		}
		return process.New(process.Config{
			Name: name, Path: path, Args: append(args, a.cfg.Arguments[name]...), Probe: probe,
		})
	}
}

// arguments are upstream's flags for each program.
func (a *assembly) arguments(name string) []string {
	p, files := a.paths, a.pki
	switch name {
	case apiServerName:
		return []string{
			"--etcd-servers=unix://" + p.etcdSocket(),
			"--advertise-address=" + a.cfg.NodeIP.String(),
			"--secure-port=" + strconv.Itoa(a.cfg.APIPort),
			"--allow-privileged=true",
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--enable-bootstrap-token-auth=true",
			"--client-ca-file=" + files.Cert("ca"),
			"--tls-cert-file=" + files.Cert("apiserver"),
			"--tls-private-key-file=" + files.Key("apiserver"),
			"--kubelet-client-certificate=" + files.Cert("apiserver-kubelet-client"),
			"--kubelet-client-key=" + files.Key("apiserver-kubelet-client"),
			"--kubelet-certificate-authority=" + files.Cert("ca"),
			"--kubelet-preferred-address-types=InternalIP,Hostname",
			"--proxy-client-cert-file=" + files.Cert("front-proxy-client"),
			"--proxy-client-key-file=" + files.Key("front-proxy-client"),
			"--requestheader-client-ca-file=" + files.Cert("front-proxy-ca"),
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-username-headers=X-Remote-User",
			"--service-account-issuer=https://kubernetes.default.svc." + a.cfg.ClusterDomain,
			"--service-account-key-file=" + files.ServiceAccountPublicKey(),
			"--service-account-signing-key-file=" + files.ServiceAccountKey(),
			"--service-cluster-ip-range=" + a.cfg.ServiceCIDR.String(),
		}
	case controllerManagerName:
		kubeconfig := p.kubeconfig(pki.ControllerManager)
		return []string{
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1",
			"--leader-elect=false",
			"--use-service-account-credentials=true",
			"--allocate-node-cidrs=true",
			"--cluster-cidr=" + a.cfg.ClusterCIDR.String(),
			"--service-cluster-ip-range=" + a.cfg.ServiceCIDR.String(),
			"--cluster-signing-cert-file=" + files.Cert("ca"),
			"--cluster-signing-key-file=" + files.Key("ca"),
			"--root-ca-file=" + files.Cert("ca"),
			"--client-ca-file=" + files.Cert("ca"),
			"--requestheader-client-ca-file=" + files.Cert("front-proxy-ca"),
			"--service-account-private-key-file=" + files.ServiceAccountKey(),
			"--controllers=*,bootstrapsigner,tokencleaner",
		}
	case schedulerName:
		kubeconfig := p.kubeconfig(pki.Scheduler)
		return []string{
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1",
			"--leader-elect=false",
		}
	case kubeletName:
		return []string{
			"--config=" + p.kubeletConf(),
			"--kubeconfig=" + p.kubeconfig(pki.Kubelet),
			"--hostname-override=" + a.cfg.NodeName,
			"--node-ip=" + a.cfg.NodeIP.String(),
			"--root-dir=" + a.cfg.KubeletDir,
		}
	case proxyName:
		return []string{"--config=" + p.proxyConf(), "--hostname-override=" + a.cfg.NodeName}
	}
	return nil
}

// probe asks each program's own health endpoint.
func (a *assembly) probe(name string) (func(context.Context) error, error) {
	url := map[string]string{
		apiServerName:         a.cfg.Server() + "/readyz",
		controllerManagerName: "https://127.0.0.1:10257/healthz",
		schedulerName:         "https://127.0.0.1:10259/healthz",
		kubeletName:           "http://127.0.0.1:10248/healthz",
		proxyName:             "http://127.0.0.1:10256/livez",
	}[name]
	config := &tls.Config{InsecureSkipVerify: true} // the programs' own self-signed certificates
	if name == apiServerName {
		pem, err := os.ReadFile(a.pki.Cert("ca"))
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		admin, err := tls.LoadX509KeyPair(a.pki.Cert(pki.Admin), a.pki.Key(pki.Admin))
		if err != nil {
			return nil, err
		}
		config = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{admin}}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	return func(ctx context.Context) error { return getOK(ctx, client, url) }, nil
}

func getOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return nil
}
