package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/test/bench/measure"
	"tiphys.dev/tiphys/test/bench/report"
	"tiphys.dev/tiphys/test/peer"
)

// daemons are the programs that tiphys is instead of, etcd beside them.
var daemons = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}

// runAllInOne measures a whole single-node cluster: its start on an existing store, what it costs when idle, and pods. On
// upstream's side the five programs run in the same kind of node on the same containerd, and etcd is an upstream one with
// upstream's API server and as many objects beside it. containerd and what runs in pods counts on neither side.
func runAllInOne(ctx context.Context, b *bench, s side, rec recorder) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("making a node needs root")
	}
	node := &benchNode{tiphys: filepath.Join(b.ours, "tiphys"), name: "bench-" + s.name, dir: filepath.Join(b.dir, "allinone-"+s.name)}
	if err := os.MkdirAll(node.dir, 0o755); err != nil {
		return err
	}
	if s.name == report.Upstream {
		for _, d := range daemons {
			path, err := filepath.Abs(filepath.Join(s.bins, d))
			if err != nil {
				return err
			}
			node.args = append(node.args, "--use-binary="+d+"="+path)
		}
	}
	defer func() { err = errors.Join(err, node.run(context.WithoutCancel(ctx), "down", "--purge")) }()

	// Upstream's etcd has to be measured beside an API server of its own.
	var etcd *running
	var starts []float64
	if s.name == report.Upstream {
		if etcd, starts, err = startsApart(ctx, b, s); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, etcd.stop()) }()
		if err := node.run(ctx, "up"); err != nil {
			return err
		}
	} else if starts, err = node.starts(ctx, b); err != nil {
		return err
	}
	rec.cost(fmt.Sprintf("existing store, from exec to /readyz (median of %d)", len(starts)), "s", measure.Median(starts), 1.0/3)

	usage := func() (measure.Usage, error) {
		pids, err := node.processes()
		if err != nil {
			return measure.Usage{}, err
		}
		sum, err := measure.Sum(pids)
		if err != nil || etcd == nil {
			return sum, err
		}
		apart, err := etcd.usage("etcd")
		return sum.Add(apart), err
	}
	if err := pause(ctx, time.Duration(b.size(45, 5))*time.Second); err != nil {
		return err
	}
	before, err := usage()
	if err != nil {
		return err
	}
	window := time.Duration(b.size(60, 3)) * time.Second
	if err := pause(ctx, window); err != nil {
		return err
	}
	after, err := usage()
	if err != nil {
		return err
	}
	rec.cost("idle, memory of etcd, control plane, kubelet and proxy", "MiB", mib(after.RSS), 1.0/3)
	rec.cost("idle, of that without pages of files", "MiB", mib(after.Anonymous), 0)
	rec.cost("idle, CPU of the same", "% of a core", 100*float64(after.CPU-before.CPU)/float64(window), 0.25)

	client, err := node.client()
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range b.size(20, 3) {
		d, err := podToRunning(ctx, client, fmt.Sprintf("bench-%d", i))
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	rec.cost(fmt.Sprintf("pod created to Running, one after the other, p50 of %d", len(took)), "ms", ms(measure.Quantile(took, 0.5)), 0.5)
	rec.cost("pod created to Running, worst", "ms", ms(measure.Quantile(took, 1)), 0)
	return nil
}

// startsApart starts upstream's etcd and API server again and again; the last ones go on running.
func startsApart(ctx context.Context, b *bench, s side) (*running, []float64, error) {
	cfg := peer.Config{Dir: filepath.Join(b.dir, "allinone-etcd"), BinDir: s.bins}
	r, err := startCluster(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, r.RESTConfig(peer.Admin), b.size(2000, 200)); err != nil {
		return nil, nil, errors.Join(err, r.stop())
	}
	var took []float64
	for range b.size(5, 2) {
		if err := r.stop(); err != nil {
			return nil, nil, err
		}
		if r, err = startCluster(ctx, cfg); err != nil {
			return nil, nil, err
		}
		took = append(took, r.took.Seconds())
	}
	return r, took, nil
}

// benchNode is a development cluster of the all-in-one.
type benchNode struct {
	tiphys, name, dir string
	args              []string
}

func (n *benchNode) command(ctx context.Context, verb string, args ...string) *exec.Cmd {
	all := append([]string{"dev", verb, "--name", n.name}, args...)
	if verb == "up" {
		all = append(all, n.args...)
	}
	cmd := exec.CommandContext(ctx, n.tiphys, all...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(n.dir, "kubeconfig"))
	return cmd
}

func (n *benchNode) run(ctx context.Context, verb string, args ...string) error {
	if out, err := n.command(ctx, verb, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("tiphys dev %s: %w: %s", verb, err, out)
	}
	return nil
}

// starts fills the store and then starts the node on it again and again; the last one goes on running.
func (n *benchNode) starts(ctx context.Context, b *bench) ([]float64, error) {
	if err := n.run(ctx, "up"); err != nil {
		return nil, err
	}
	cfg, err := n.config()
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, cfg, b.size(2000, 200)); err != nil {
		return nil, err
	}
	var took []float64
	for range b.size(5, 2) {
		if err := n.run(ctx, "down"); err != nil {
			return nil, err
		}
		began := time.Now()
		up := n.command(ctx, "up")
		if err := up.Start(); err != nil {
			return nil, err
		}
		readyErr := readyz(ctx, cfg.Host)
		took = append(took, time.Since(began).Seconds())
		if err := errors.Join(readyErr, up.Wait()); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// readyz waits until the server says ok.
func readyz(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (n *benchNode) data() string { return filepath.Join("/var/lib/tiphys/dev", n.name) }

// processes are those that count: upstream's five, or tiphys itself.
func (n *benchNode) processes() ([]int, error) {
	data, err := os.ReadFile(filepath.Join(n.data(), "status.json"))
	if err != nil {
		return nil, err
	}
	var status struct{ PID int }
	if err := json.Unmarshal(data, &status); err != nil {
		return nil, err
	}
	if len(n.args) == 0 {
		return []int{status.PID}, nil
	}
	children, err := measure.Children(status.PID)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, d := range daemons {
		if children[d] == 0 {
			return nil, fmt.Errorf("no %s runs below process %d", d, status.PID)
		}
		pids = append(pids, children[d])
	}
	return pids, nil
}

func (n *benchNode) config() (*rest.Config, error) {
	return clientcmd.BuildConfigFromFlags("", filepath.Join(n.data(), "kubeconfig", "admin.kubeconfig"))
}

// client waits for the default service account, without which no pod can be made.
func (n *benchNode) client() (kubernetes.Interface, error) {
	cfg, err := n.config()
	if err != nil {
		return nil, err
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	_, err = client.CoreV1().ServiceAccounts("default").Get(context.Background(), "default", metav1.GetOptions{})
	return client, err
}
