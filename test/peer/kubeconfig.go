package peer

import (
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKeys makes everything below pki/ and remembers the users' certificates.
func (c *Cluster) writeKeys(now time.Time) error {
	dir := c.PKIDir()
	ca, err := authority(dir, "ca", now)
	if err != nil {
		return err
	}
	frontProxy, err := authority(dir, "front-proxy-ca", now)
	if err != nil {
		return err
	}
	c.ca = ca.certPEM
	if err := serviceAccountKeys(dir); err != nil {
		return err
	}
	hosts := []string{
		"localhost", "127.0.0.1", "::1", c.cfg.BindAddress, c.cfg.AdvertiseAddress, "10.96.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	servers := []subject{
		{name: "apiserver", user: "kube-apiserver", hosts: hosts},
		{name: "apiserver-kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
	}
	for _, s := range servers {
		if _, err := certificate(dir, ca, s, now); err != nil {
			return err
		}
	}
	if _, err := certificate(dir, frontProxy, subject{name: "front-proxy-client", user: "front-proxy-client"}, now); err != nil {
		return err
	}
	for _, s := range c.subjects() {
		p, err := certificate(dir, ca, s, now)
		if err != nil {
			return err
		}
		c.users[s.name] = p
	}
	return nil
}

// subjects lists who gets a kubeconfig.
func (c *Cluster) subjects() []subject {
	list := []subject{
		{name: Admin, user: "kubernetes-admin", groups: []string{"system:masters"}},
		{name: ControllerManager, user: "system:kube-controller-manager"},
		{name: Scheduler, user: "system:kube-scheduler"},
		{name: Proxy, user: "system:kube-proxy"},
	}
	for _, node := range c.cfg.Nodes {
		list = append(list, subject{name: "kubelet-" + node, user: "system:node:" + node, groups: []string{"system:nodes"}})
	}
	return list
}

// writeKubeconfig writes <user>.kubeconfig with everything inside, so that it can be copied elsewhere.
func (c *Cluster) writeKubeconfig(user string) error {
	p := c.users[user]
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["peer"] = &clientcmdapi.Cluster{Server: c.URL(), CertificateAuthorityData: c.ca}
	cfg.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: p.certPEM, ClientKeyData: p.keyPEM}
	cfg.Contexts["peer"] = &clientcmdapi.Context{Cluster: "peer", AuthInfo: user}
	cfg.CurrentContext = "peer"
	return clientcmd.WriteToFile(*cfg, c.Kubeconfig(user))
}
