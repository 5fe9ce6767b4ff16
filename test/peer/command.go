package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"k8s.io/client-go/rest"
)

// selfSigned talks to the controller manager and the scheduler, which make their own certificates at each start. Their
// health is public; their metrics need a user's certificate.
var selfSigned = &http.Client{Transport: &http.Transport{
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	DisableKeepAlives: true,
}}

// step is one process of the start order.
type step struct {
	name string
	args []string
	// healthy asks once whether the process does its work; nil means yes.
	healthy func(context.Context) error
}

// steps lists what to start, in order: each waits until the one before is healthy.
func (c *Cluster) steps() []step {
	list := []step{{name: "etcd", args: c.etcdArgs(), healthy: c.get(http.DefaultClient, c.etcd+"/health")}}
	if c.cfg.EtcdOnly {
		return list
	}
	list = append(list, step{name: "kube-apiserver", args: c.apiserverArgs(), healthy: c.readyz})
	if c.cfg.ControllerManager {
		healthy := c.get(selfSigned, c.ControllerManagerURL()+"/healthz")
		list = append(list, step{name: "kube-controller-manager", args: c.controllerManagerArgs(), healthy: healthy})
	}
	if c.cfg.Scheduler {
		list = append(list, step{name: "kube-scheduler", args: c.schedulerArgs(), healthy: c.get(selfSigned, c.SchedulerURL()+"/healthz")})
	}
	return list
}

func (c *Cluster) etcdArgs() []string {
	// Nobody joins this member, so its peer port may be any.
	const peers = "http://127.0.0.1:0"
	args := []string{
		"--name=peer", "--data-dir=" + c.path("etcd"),
		"--listen-client-urls=" + c.etcd, "--advertise-client-urls=" + c.etcd,
		"--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers, "--initial-cluster=peer=" + peers,
	}
	if c.cfg.UnsafeNoFsync {
		args = append(args, "--unsafe-no-fsync")
	}
	return append(args, c.cfg.EtcdArgs...)
}

// APIServerArgs is the command line of the API server, for whoever starts one on the store of this cluster. A repeated flag wins.
func (c *Cluster) APIServerArgs() []string { return c.apiserverArgs() }

// apiserverArgs is what kubeadm would write, without its static pod.
func (c *Cluster) apiserverArgs() []string {
	pki := c.PKIDir()
	args := []string{
		"--etcd-servers=" + c.etcd,
		"--bind-address=" + c.cfg.BindAddress, "--secure-port=" + strconv.Itoa(c.port),
		"--advertise-address=" + c.cfg.AdvertiseAddress,
		"--service-cluster-ip-range=" + c.cfg.ServiceCIDR,
		"--allow-privileged=true", "--enable-bootstrap-token-auth=true",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--tls-cert-file=" + pki + "/apiserver.crt", "--tls-private-key-file=" + pki + "/apiserver.key",
		"--client-ca-file=" + pki + "/ca.crt",
		"--kubelet-client-certificate=" + pki + "/apiserver-kubelet-client.crt",
		"--kubelet-client-key=" + pki + "/apiserver-kubelet-client.key",
		"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
		"--proxy-client-cert-file=" + pki + "/front-proxy-client.crt", "--proxy-client-key-file=" + pki + "/front-proxy-client.key",
		"--requestheader-client-ca-file=" + pki + "/front-proxy-ca.crt", "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki + "/sa.pub", "--service-account-signing-key-file=" + pki + "/sa.key",
	}
	return append(args, c.cfg.APIServerArgs...)
}

func (c *Cluster) controllerManagerArgs() []string {
	pki, kubeconfig := c.PKIDir(), c.Kubeconfig(ControllerManager)
	args := []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.controllerManagerPort),
		"--allocate-node-cidrs=true", "--cluster-cidr=" + c.cfg.PodCIDR, "--service-cluster-ip-range=" + c.cfg.ServiceCIDR,
		"--cluster-signing-cert-file=" + pki + "/ca.crt", "--cluster-signing-key-file=" + pki + "/ca.key",
		"--root-ca-file=" + pki + "/ca.crt", "--service-account-private-key-file=" + pki + "/sa.key",
		"--requestheader-client-ca-file=" + pki + "/front-proxy-ca.crt", "--client-ca-file=" + pki + "/ca.crt",
		"--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
		"--use-service-account-credentials=true", "--leader-elect=true",
	}
	return append(args, c.cfg.ControllerManagerArgs...)
}

func (c *Cluster) schedulerArgs() []string {
	kubeconfig := c.Kubeconfig(Scheduler)
	args := []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(c.schedulerPort), "--leader-elect=true",
	}
	return append(args, c.cfg.SchedulerArgs...)
}

// readyz asks the API server as the administrator.
func (c *Cluster) readyz(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.RESTConfig(Admin))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return c.get(client, c.URL()+"/readyz")(ctx)
}

// get returns a check that a URL answers 200.
func (c *Cluster) get(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answered %s: %s", url, resp.Status, body)
		}
		return nil
	}
}
