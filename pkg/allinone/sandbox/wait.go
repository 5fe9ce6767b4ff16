package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"

	"tiphys.dev/tiphys/pkg/allinone/status"
)

// waitUntilReady follows the server's status, then asks from the host as a person would: is the
// node ready, does the cluster's DNS answer.
func (c *Cluster) waitUntilReady(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-ended:
			s, _ := status.Read(c.rec.DataDir)
			if s.Error == "" {
				s.Error = "the server ended; its last words are in " + c.LogFile()
			}
			cancel(errors.New(s.Error))
		case <-ctx.Done():
		}
	}()
	steps := []func(context.Context) error{c.server().followStart, c.joinAndFollow, c.waitForNodes, c.waitForDNS}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			// What ended the wait says more than "context canceled".
			if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
				return cause
			}
			return err
		}
	}
	return nil
}

// joinAndFollow starts the agents and reports on them as on the server.
func (c *Cluster) joinAndFollow(ctx context.Context) error {
	if !c.switched() {
		return nil
	}
	ended, err := c.joinAgents(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for m, end := range ended {
		go func() {
			select {
			case <-end:
				s, _ := status.Read(m.dataDir())
				if s.Error == "" {
					s.Error = "its last words are in " + m.logFile()
				}
				cancel(fmt.Errorf("the agent of node %s ended: %s", m.name(), s.Error))
			case <-ctx.Done():
			}
		}()
	}
	for _, m := range c.agents() {
		if err := m.followStart(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
				return cause
			}
			return err
		}
	}
	return nil
}

// followStart reports each component as it becomes ready, and failures as they happen.
func (m member) followStart(ctx context.Context) error {
	c, where := m.c, ""
	if m.number > 1 {
		where = m.name() + ": "
	}
	said := map[string]string{}
	err := status.Follow(ctx, m.dataDir(), func(s status.Status) bool {
		for _, part := range s.Components {
			var line string
			switch part.Phase {
			case "Ready", "Done":
				line = fmt.Sprintf("%-18s ready after %.1fs", part.Name, part.Took.Seconds())
			case "Failed":
				line = fmt.Sprintf("%-18s failed and will be tried again: %s", part.Name, part.Error)
			default:
				continue
			}
			if said[part.Name] != line {
				said[part.Name] = line
				c.cfg.Progress("  %s%s", where, line)
			}
		}
		return s.Ready && s.Alive()
	})
	if err != nil {
		return fmt.Errorf("waiting for the components: %w (the log is %s)", err, m.logFile())
	}
	return nil
}

// client speaks to the cluster from the host, as people will.
func (c *Cluster) client() (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.AdminKubeconfig())
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// waitForNodes waits for all nodes, and routes to their pods.
func (c *Cluster) waitForNodes(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	for _, m := range c.members() {
		if err := m.waitForNode(ctx, client); err != nil {
			return err
		}
	}
	return c.routeToNodes(ctx, client)
}

// waitForNode watches the node from the host, through the API that people will use.
func (m member) waitForNode(ctx context.Context, client kubernetes.Interface) error {
	m.c.cfg.Progress("waiting for node %s to be Ready", m.name())
	only := fields.OneTermEqualSelector("metadata.name", m.name()).String()
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return client.CoreV1().Nodes().List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			return client.CoreV1().Nodes().Watch(ctx, o)
		},
	}
	_, err := watchtools.UntilWithSync(ctx, list, &v1.Node{}, nil, func(e watch.Event) (bool, error) {
		node, ok := e.Object.(*v1.Node)
		return ok && e.Type != watch.Deleted && nodeReady(node), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for node %s to be Ready: %w (the log is %s)", m.name(), err, m.logFile())
	}
	return nil
}

func nodeReady(node *v1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1.NodeReady {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}

// waitForDNS asks the cluster's DNS service for the API's own name. DNS offers no event: asking
// again is the only way.
func (c *Cluster) waitForDNS(ctx context.Context) error {
	address := net.JoinHostPort(c.network.DNS().String(), "53")
	c.cfg.Progress("waiting for cluster DNS to answer at %s", address)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", address)
	}}
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		_, err := resolver.LookupHost(attempt, "kubernetes.default.svc.cluster.local.")
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("cluster DNS does not answer: %w; look at `kubectl -n kube-system get pods`", err)
		}
	}
}
