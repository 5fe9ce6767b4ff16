package allinone

import (
	"context"
	"fmt"
	"net"
	"time"

	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/pkg/apiserver/authz"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildAPIServer(direct *informer.Direct) func(context.Context, *informer.View) (lifecycle.Runner, error) {
	return func(ctx context.Context, informers *informer.View) (lifecycle.Runner, error) {
		config := a.apiServerConfig()
		config.Informers, config.Direct = informers, direct
		server, err := apiserver.New(ctx, config)
		if err != nil {
			return nil, err
		}
		client, err := a.client(pki.Admin)
		if err != nil {
			return nil, err
		}
		return &servedAPI{server: server, ask: client.RESTClient(), ready: make(chan struct{})}, nil
	}
}

// apiServerConfig says the same as arguments does for a program.
func (a *assembly) apiServerConfig() *apiserver.Config {
	files := a.pki
	c := apiserver.NewConfig()
	c.EtcdClients = a.store.NewClient
	c.Etcd.StorageConfig.Transport.ServerList = []string{"unix://" + a.paths.etcdSocket()}
	c.ServerRun.AdvertiseAddress = a.cfg.NodeIP.AsSlice()
	// Pods such as cluster DNS go on running, and would go on watching: a stop must not wait for them.
	c.ServerRun.ShutdownWatchTerminationGracePeriod = time.Second
	c.SecureServing.BindPort = a.cfg.APIPort
	c.SecureServing.ServerCert.CertKey.CertFile = files.Cert("apiserver")
	c.SecureServing.ServerCert.CertKey.KeyFile = files.Key("apiserver")
	c.AllowPrivileged = true
	c.Admission.EnablePlugins = []string{"NodeRestriction"}
	c.Authorization.Modes = []string{authz.ModeNode, authz.ModeRBAC}

	c.Authentication.BootstrapTokens = true
	c.Authentication.ClientCert.ClientCA = files.Cert("ca")
	header := &c.Authentication.RequestHeader
	header.ClientCAFile = files.Cert("front-proxy-ca")
	header.AllowedNames = []string{"front-proxy-client"}
	header.UsernameHeaders = []string{"X-Remote-User"}
	header.GroupHeaders = []string{"X-Remote-Group"}
	header.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	c.Authentication.ServiceAccounts.Issuers = []string{"https://kubernetes.default.svc." + a.cfg.ClusterDomain}
	c.Authentication.ServiceAccounts.KeyFiles = []string{files.ServiceAccountPublicKey()}
	c.ServiceAccountSigningKeyFile = files.ServiceAccountKey()

	c.Kubelet.CAFile = files.Cert("ca")
	c.Kubelet.CertFile = files.Cert("apiserver-kubelet-client")
	c.Kubelet.KeyFile = files.Key("apiserver-kubelet-client")
	c.Kubelet.AddressTypes = []string{"InternalIP", "Hostname"}
	c.ProxyClientCertFile = files.Cert("front-proxy-client")
	c.ProxyClientKeyFile = files.Key("front-proxy-client")

	services := a.cfg.ServiceCIDR.Masked()
	c.ServiceClusterIPRanges = []net.IPNet{{
		IP: services.Addr().AsSlice(), Mask: net.CIDRMask(services.Bits(), services.Addr().BitLen()),
	}}
	return c
}

// servedAPI is the API server with its readiness, which only asking can tell.
type servedAPI struct {
	server *apiserver.Server
	ask    rest.Interface
	ready  chan struct{}
}

// Ready is closed when /readyz has answered ok.
func (s *servedAPI) Ready() <-chan struct{} { return s.ready }

// Run serves until ctx ends.
func (s *servedAPI) Run(ctx context.Context) error {
	asking, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.waitUntilReady(asking)
	}()
	defer func() { stop(); <-done }()
	if err := s.server.Run(ctx); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return ctx.Err()
}

func (s *servedAPI) waitUntilReady(ctx context.Context) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := s.ask.Get().AbsPath("/readyz").Do(attempt).Error()
		cancel()
		if err == nil {
			close(s.ready)
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
