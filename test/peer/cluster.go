package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// The users that get a kubeconfig, beside one "kubelet-<name>" for each node.
const (
	Admin             = "admin"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	Proxy             = "proxy"
)

// Cluster is upstream's control plane in child processes.
type Cluster struct {
	cfg   Config
	ca    []byte
	users map[string]*pair
	etcd  string
	// ports of the processes; the scheduler and the controller manager serve on loopback only
	port, controllerManagerPort, schedulerPort int

	ready chan struct{}
}

// New writes keys and kubeconfigs and chooses ports; it starts nothing.
func New(cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, users: map[string]*pair{}, port: cfg.SecurePort, ready: make(chan struct{})}
	for _, dir := range []string{c.PKIDir(), c.path("etcd"), c.path("logs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	if c.port == 0 {
		c.port = ports[0]
	}
	c.controllerManagerPort, c.schedulerPort = ports[2], ports[3]
	c.etcd = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[1]))
	if err := c.writeKeys(time.Now()); err != nil {
		return nil, fmt.Errorf("making keys in %s: %w", c.PKIDir(), err)
	}
	for user := range c.users {
		if err := c.writeKubeconfig(user); err != nil {
			return nil, fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
		}
	}
	return c, nil
}

// Ready is closed when everything asked for answers.
func (c *Cluster) Ready() <-chan struct{} { return c.ready }

// Etcd is the client URL of the store (no TLS).
func (c *Cluster) Etcd() string { return c.etcd }

// URL is the API server's.
func (c *Cluster) URL() string {
	return "https://" + net.JoinHostPort(c.cfg.BindAddress, strconv.Itoa(c.port))
}

// ControllerManagerURL serves its health and metrics.
func (c *Cluster) ControllerManagerURL() string { return loopback(c.controllerManagerPort) }

// SchedulerURL serves its health and metrics.
func (c *Cluster) SchedulerURL() string { return loopback(c.schedulerPort) }

// PKIDir holds keys and certificates under kubeadm's names.
func (c *Cluster) PKIDir() string { return c.path("pki") }

// Kubeconfig is the path of a user's kubeconfig: Admin, ControllerManager, Scheduler, Proxy or "kubelet-<node>".
func (c *Cluster) Kubeconfig(user string) string { return c.path(user + ".kubeconfig") }

// Log is the path of a process's output: etcd, kube-apiserver, kube-controller-manager or kube-scheduler.
func (c *Cluster) Log(process string) string { return c.path("logs", process+".log") }

// RESTConfig connects as a user, without client-side rate limit.
func (c *Cluster) RESTConfig(user string) *rest.Config {
	cfg := &rest.Config{Host: c.URL(), QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: c.ca}}
	if p := c.users[user]; p != nil {
		cfg.CertData, cfg.KeyData = p.certPEM, p.keyPEM
	}
	return cfg
}

// Run starts the processes and blocks until ctx ends (nil) or one of them does (an error); all are stopped when it returns.
func (c *Cluster) Run(ctx context.Context) (err error) {
	running := &group{exited: make(chan error, 4)}
	defer func() { err = errors.Join(err, running.stop()) }()

	begin, cancel := context.WithTimeout(ctx, c.cfg.StartTimeout)
	defer cancel()
	for _, step := range c.steps() {
		if err := running.start(step.name, filepath.Join(c.cfg.BinDir, step.name), c.Log(step.name), step.args); err != nil {
			return err
		}
		if err := running.wait(begin, step.healthy); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("starting %s: %w; end of %s:\n%s", step.name, err, c.Log(step.name), tail(c.Log(step.name)))
		}
	}
	close(c.ready)
	select {
	case <-ctx.Done():
		return nil
	case err := <-running.exited:
		return err
	}
}

func (c *Cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.cfg.Dir}, elem...)...)
}

func loopback(port int) string { return "https://127.0.0.1:" + strconv.Itoa(port) }

// freePorts asks the kernel for n ports at once, so that they differ.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// tail is the last lines of a log, for an error message.
func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
