package sandbox

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"

	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/allinone/netns"
)

// replaceableOnNodes are the components of --use-binary that an agent has as well.
var replaceableOnNodes = []string{"kubelet", "kube-proxy"}

// AgentFlags tell the agent of a further node what its node looks like.
func (c *Cluster) AgentFlags(name string) ([]string, error) {
	m, err := c.node(name)
	if err != nil {
		return nil, err
	}
	return m.agentFlags(), nil
}

func (m member) agentFlags() []string {
	flags := []string{
		"--server=https://" + netip.AddrPortFrom(m.c.network.Node(), 6443).String(),
		"--data-dir=" + m.dataDir(),
		"--node-name=" + m.name(),
		"--node-ip=" + m.address().String(),
		"--cgroup-root=" + m.cgroup(),
		"--upstream-dns=" + m.c.network.Host().String(),
	}
	return append(flags, forAgents(m.c.cfg.ServerArgs)...)
}

// forAgents leaves out what concerns components that only a server has.
func forAgents(serverArgs []string) []string {
	return slices.DeleteFunc(slices.Clone(serverArgs), func(arg string) bool {
		flag, value, _ := strings.Cut(arg, "=")
		component, _, _ := strings.Cut(value, "=")
		return (flag == "--use-binary" || flag == "--component-arg") && !slices.Contains(replaceableOnNodes, component)
	})
}

// joinAgents makes the further nodes and starts their agents, unless they run. The server answers.
func (c *Cluster) joinAgents(ctx context.Context) (ended map[member]<-chan error, err error) {
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	ended = map[member]<-chan error{}
	var token *jointoken.Token
	for _, m := range c.agents() {
		if running, err := m.running(); running || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		env := []string{}
		if !m.hasJoined() {
			if token == nil {
				if token, err = c.passingToken(ctx); err != nil {
					return nil, err
				}
			}
			env = append(env, "TIPHYS_TOKEN="+token.String())
		}
		c.cfg.Progress("starting the agent of node %s; its log is %s", m.name(), m.logFile())
		end, err := m.startProcess(append([]string{"agent"}, m.agentFlags()...), env)
		if err != nil {
			return nil, err
		}
		ended[m] = end
	}
	return ended, nil
}

// hasJoined tells whether the node has its certificate from before.
func (m member) hasJoined() bool {
	_, err := os.Stat(filepath.Join(m.dataDir(), "pki", "ca.crt"))
	return err == nil
}

// tokenLife is enough for a machine that is busy.
const tokenLife = 15 * time.Minute

// passingToken makes a token for the nodes that join now. It ends by itself.
func (c *Cluster) passingToken(ctx context.Context) (*jointoken.Token, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	ca, err := c.authority()
	if err != nil {
		return nil, err
	}
	token, err := jointoken.Create(ctx, client, jointoken.Hash(ca), jointoken.Wish{TTL: tokenLife, Now: time.Now(), Description: "tiphys dev up"})
	return &token, err
}

func (c *Cluster) authority() (*x509.Certificate, error) {
	content, err := os.ReadFile(filepath.Join(c.rec.DataDir, "pki", "ca.crt"))
	if err != nil {
		return nil, err
	}
	found, err := cert.ParseCertsPEM(content)
	if err != nil {
		return nil, fmt.Errorf("the cluster's authority: %w", err)
	}
	return found[0], nil
}

// buildAgents makes the namespaces of the further nodes, and the switch between all.
func (c *Cluster) buildAgents() error {
	if !c.switched() {
		return nil
	}
	for _, m := range c.agents() {
		if err := m.claim(); err != nil {
			return err
		}
		complete, err := m.set().Complete()
		if err != nil {
			return err
		}
		if !complete {
			if err := m.dismantle(); err != nil {
				return err
			}
			c.cfg.Progress("making node %s, address %s", m.name(), m.address())
			if err := errors.Join(m.set().Prepare(), m.set().NewNet()); err != nil {
				return err
			}
		}
		if err := c.theSwitch().Join(m.number, m.set()); err != nil {
			return err
		}
		if err := m.set().Wire(m.wiring()); err != nil {
			return err
		}
		if !complete {
			if err := m.furnish(); err != nil {
				return err
			}
		}
	}
	return nil
}

// claim makes the agent's data folder. Registries are configured once for all nodes.
func (m member) claim() error {
	if err := os.MkdirAll(filepath.Dir(m.dataDir()), 0o755); err != nil {
		return err
	}
	if err := datadir.Claim(m.dataDir()); err != nil {
		return err
	}
	err := os.Symlink(filepath.Join(m.c.rec.DataDir, "registries"), filepath.Join(m.dataDir(), "registries"))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("sharing the registries: %w", err)
	}
	return nil
}

// routeToNodes sends the host's packets for pods to the node they are on. Without, all would go
// through the first.
func (c *Cluster) routeToNodes(ctx context.Context, client kubernetes.Interface) error {
	if !c.switched() {
		return nil
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("looking for the nodes' pod ranges: %w", err)
	}
	for _, n := range nodes.Items {
		for _, a := range n.Status.Addresses {
			via, err := netip.ParseAddr(a.Address)
			if err != nil || a.Type != v1.NodeInternalIP || !c.network.Link.Contains(via) {
				continue
			}
			pods, err := netip.ParsePrefix(n.Spec.PodCIDR)
			if err != nil {
				continue // it has none yet: then all goes through the first
			}
			if err := netns.RouteVia(hostLink(c.rec.Slot), pods, via); err != nil {
				return err
			}
		}
	}
	return nil
}
