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
	for _, step := range []func(context.Context) error{c.followStart, c.waitForNode, c.waitForDNS} {
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

// followStart reports each component as it becomes ready, and failures as they happen.
func (c *Cluster) followStart(ctx context.Context) error {
	said := map[string]string{}
	err := status.Follow(ctx, c.rec.DataDir, func(s status.Status) bool {
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
				c.cfg.Progress("  %s", line)
			}
		}
		return s.Ready && s.Alive()
	})
	if err != nil {
		return fmt.Errorf("waiting for the components: %w (the log is %s)", err, c.LogFile())
	}
	return nil
}

// waitForNode watches the node from the host, through the API that people will use.
func (c *Cluster) waitForNode(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", c.AdminKubeconfig())
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	c.cfg.Progress("waiting for node %s to be Ready", c.cfg.Name)
	only := fields.OneTermEqualSelector("metadata.name", c.cfg.Name).String()
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
	_, err = watchtools.UntilWithSync(ctx, list, &v1.Node{}, nil, func(e watch.Event) (bool, error) {
		node, ok := e.Object.(*v1.Node)
		return ok && e.Type != watch.Deleted && nodeReady(node), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the node to be Ready: %w (the log is %s)", err, c.LogFile())
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
