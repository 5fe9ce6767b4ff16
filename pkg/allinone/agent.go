package allinone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/join"
	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/allinone/kubeconfig"
	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/allinone/preflight"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// AgentConfig describes a machine that joins a cluster.
type AgentConfig struct {
	// Config is the machine's part of it; what is the cluster's comes from the cluster.
	Config
	// Token to join with; nil when none was given.
	Token *jointoken.Token
}

// DefaultAgent is an agent on the machine itself.
func DefaultAgent() AgentConfig {
	c := AgentConfig{Config: Default()}
	c.DataDir = "/var/lib/tiphys/agent"
	return c
}

// Agent is a node of a cluster that runs elsewhere.
type Agent struct{ cfg AgentConfig }

// agentComponents are those a program can take the place of.
var agentComponents = []string{kubeletName, proxyName}

// NewAgent checks the configuration. It touches nothing.
func NewAgent(cfg AgentConfig) (*Agent, error) {
	server, err := join.Server(cfg.JoinServer)
	if err != nil {
		return nil, err
	}
	cfg.JoinServer = server
	if !cfg.NodeIP.IsValid() {
		if cfg.NodeIP, err = addressTowards(server); err != nil {
			return nil, err
		}
	}
	if err := cfg.completeNode(); err != nil {
		return nil, err
	}
	if err := errors.Join(cfg.validateNode(agentComponents)...); err != nil {
		return nil, err
	}
	return &Agent{cfg: cfg}, nil
}

// addressTowards is the address this machine has on its way to the server. Nothing is sent.
func addressTowards(server string) (netip.Addr, error) {
	u, err := url.Parse(server)
	if err != nil {
		return netip.Addr{}, err
	}
	conn, err := net.Dial("udp", u.Host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("this machine has no way to %s: %w; check --server, or give the node's address with --node-ip", server, err)
	}
	defer conn.Close()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, err
	}
	return local.Addr().Unmap(), nil
}

// Run joins the cluster unless this was done before, then runs the node's components until ctx ends
// or one fails in a way no restart cures.
func (g *Agent) Run(ctx context.Context) error { return runMachine(ctx, g.cfg.Config, g.prepare) }

// prepare does all that comes before the first component.
func (g *Agent) prepare(ctx context.Context) (prepared, error) {
	cfg := &g.cfg.Config
	if err := checkMachine(ctx, append([]preflight.Port{}, nodePorts(*cfg)...)); err != nil {
		return prepared{}, err
	}
	if err := datadir.CheckSpace(cfg.DataDir, spaceNeeded); err != nil {
		return prepared{}, err
	}
	membership, err := join.Join(ctx, join.Config{
		Server: cfg.JoinServer, Token: g.cfg.Token, Dir: paths{data: cfg.DataDir}.pki(), NodeName: cfg.NodeName,
		NodeIPs: []net.IP{cfg.NodeIP.AsSlice()}, Now: time.Now,
		Say: func(format string, args ...any) { klog.InfoS(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return prepared{}, err
	}
	facts, err := membership.Facts(ctx)
	if err != nil {
		return prepared{}, err
	}
	if err := makeRoom(*cfg); err != nil {
		return prepared{}, err
	}
	a, err := newAssembly(*cfg)
	if err != nil {
		return prepared{}, err
	}
	a.nodeFiles = nodeFiles{ca: membership.CAFile(), servingCert: membership.KubeletServer(), servingKey: membership.KubeletServer()}
	for name, pair := range map[string]string{pki.Kubelet: membership.KubeletClient(), pki.Proxy: membership.ProxyClient()} {
		if err := kubeconfig.WriteLinked(a.paths.kubeconfig(name), name, kubeconfig.Identity{
			Server: cfg.JoinServer, CAFile: membership.CAFile(), CertFile: pair, KeyFile: pair,
		}); err != nil {
			return prepared{}, err
		}
	}
	if err := a.writeNodeFiles(facts.Kubelet, facts.Proxy); err != nil {
		return prepared{}, err
	}
	return prepared{members: a.agentMembers(membership), check: func(now time.Time) error {
		return checkPairs(now, membership.KubeletClient(), membership.KubeletServer(), membership.ProxyClient())
	}}, nil
}

// checkPairs tells which certificates do not hold at a time.
func checkPairs(now time.Time, files ...string) error {
	var errs []error
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found, err := cert.ParseCertsPEM(content)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
			continue
		}
		if c := found[0]; now.Before(c.NotBefore) || now.After(c.NotAfter) {
			errs = append(errs, fmt.Errorf("%s holds from %s to %s", file, c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}

// agentMembers is the one list of what runs on a machine that joined, in the order it is shown.
func (a *assembly) agentMembers(membership *join.Membership) []lifecycle.Member {
	return a.withRuntime([]lifecycle.Member{
		{Name: containerdName, Build: a.buildContainerd},
		{Name: imagesName, Needs: []string{containerdName}, Build: a.buildImages, OneShot: true},
		{Name: certificatesName, Build: func(context.Context) (lifecycle.Runner, error) { return lifecycle.RunnerFunc(membership.Keep), nil }},
		// Over the network, with the rights of the proxy.
		{Name: informersName, Build: a.informersAs(pki.Proxy, nil)},
		{Name: kubeletName, Needs: []string{containerdName}, Build: a.pick(kubeletName, a.buildAgentKubelet)},
		{Name: proxyName, Needs: []string{informersName}, Build: a.pick(proxyName, a.watching(a.buildProxy))},
		{Name: podNetworkName, Needs: []string{informersName}, Build: a.watching(a.podNetworkAs(pki.Proxy))},
	})
}

// buildAgentKubelet makes a kubelet that watches what it needs itself: its credential may not read
// what the proxy's may.
func (a *assembly) buildAgentKubelet(ctx context.Context) (lifecycle.Runner, error) {
	return a.buildKubelet(ctx, nil)
}
