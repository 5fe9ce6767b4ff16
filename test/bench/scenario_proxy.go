package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/test/bench/load"
	"tiphys.dev/tiphys/test/bench/measure"
	"tiphys.dev/tiphys/test/peer"
)

// The probe is the one service that is watched from outside: its endpoint answers in the proxy's own namespace.
const (
	proxyNode = "bench-node"
	probeName = "probe"
	probeVIP  = "10.96.200.200:80"
	probePort = 18080
)

// runProxy starts a proxy in a network namespace of its own, against an API server with
// many services of three endpoints each, and asks the kernel by connecting.
func runProxy(ctx context.Context, b *bench, s side, rec recorder) error {
	if os.Getuid() != 0 {
		return errors.New("needs root for network namespaces")
	}
	for _, n := range b.services {
		api, err := b.proxyAPI(ctx, n)
		if err != nil {
			return err
		}
		if err := oneProxy(ctx, b, s, api, n, rec); err != nil {
			return fmt.Errorf("%d services: %w", n, err)
		}
	}
	return nil
}

func oneProxy(ctx context.Context, b *bench, s side, api *running, n int, rec recorder) (err error) {
	client, err := load.NewClient(api.RESTConfig(peer.Admin))
	if err != nil {
		return err
	}
	if err := setProbe(ctx, client, nodeAddress); err != nil {
		return err
	}
	ns, err := newNamespace(strings.TrimPrefix(api.URL(), "https://"))
	if err != nil {
		return err
	}
	defer ns.close()
	logFile := filepath.Join(b.dir, fmt.Sprintf("proxy-%s-%d.log", s.name, n))
	out, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer out.Close()
	// nf_conntrack settings of the host are none of a benchmark's business.
	cmd := exec.Command(filepath.Join(s.bins, "kube-proxy"), "--kubeconfig="+api.Kubeconfig(peer.Proxy), "--proxy-mode=nftables",
		"--cluster-cidr=10.244.0.0/16", "--hostname-override="+proxyNode, "--conntrack-max-per-core=0",
		"--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0")
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	exited, err := ns.start(cmd)
	if err != nil {
		return err
	}
	defer func() {
		// It may have ended by itself, which the error of what waited for it tells.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
	}()
	if err := ns.answers(ctx, true, 5*time.Minute); err != nil {
		text, _ := os.ReadFile(logFile)
		return fmt.Errorf("no answer through the proxy: %w; end of its log:\n%s", err, tail(string(text)))
	}
	title := fmt.Sprintf("%d services, ", n)
	rec.cost(title+"from exec to the first answer", "s", time.Since(began).Seconds(), 0)
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	cold, err := measure.Process(cmd.Process.Pid)
	if err != nil {
		return err
	}
	rec.cost(title+"CPU time of the start, nft included", "s", cold.CPU.Seconds(), 0)
	rec.cost(title+"memory", "MiB", mib(cold.RSS), 0)
	rec.cost(title+"peak memory", "MiB", mib(cold.Peak), 0)
	if err := changes(ctx, b, client, ns, cmd.Process.Pid, title, rec); err != nil {
		return err
	}
	return rollOut(ctx, b, client, api, ns, cmd.Process.Pid, n, title, rec)
}

// changes takes the probe's endpoint away and back, with rests in between.
func changes(ctx context.Context, b *bench, client *load.Client, ns *namespace, pid int, title string, rec recorder) error {
	before, err := measure.Process(pid)
	if err != nil {
		return err
	}
	var took []time.Duration
	rounds := b.size(12, 3)
	for range rounds {
		for _, on := range []bool{false, true} {
			if err := pause(ctx, 1500*time.Millisecond); err != nil {
				return err
			}
			address := ""
			if on {
				address = nodeAddress
			}
			began := time.Now()
			if err := setProbe(ctx, client, address); err != nil {
				return err
			}
			if err := ns.answers(ctx, on, time.Minute); err != nil {
				return err
			}
			if on {
				took = append(took, time.Since(began))
			}
		}
	}
	after, err := measure.Process(pid)
	if err != nil {
		return err
	}
	rec.cost(title+"one endpoint added, from the request to the first answer, p50", "ms", ms(measure.Quantile(took, 0.5)), 0)
	rec.cost(title+"the same, worst", "ms", ms(measure.Quantile(took, 1)), 0)
	rec.cost(title+"CPU time of one change", "ms", ms(after.CPU-before.CPU)/float64(2*rounds), 0)
	return nil
}

// rollOut changes an endpoint of many services as fast as the API server takes it, then the probe.
func rollOut(ctx context.Context, b *bench, client *load.Client, api *running, ns *namespace, pid, n int, title string, rec recorder) error {
	clients, err := load.NewClients(api.RESTConfig(peer.Admin), 8)
	if err != nil {
		return err
	}
	if err := setProbe(ctx, client, ""); err != nil {
		return err
	}
	if err := ns.answers(ctx, false, time.Minute); err != nil {
		return err
	}
	before, err := measure.Process(pid)
	if err != nil {
		return err
	}
	count := min(n, b.size(500, 50))
	generation := time.Now().UnixNano()
	_, err = load.Do(ctx, clients, count, func(ctx context.Context, c *load.Client, i int) error {
		slice := proxySlice(i, byte(generation>>20))
		_, err := c.Typed.DiscoveryV1().EndpointSlices(loadSpace).Update(ctx, slice, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	began := time.Now()
	if err := setProbe(ctx, client, nodeAddress); err != nil {
		return err
	}
	if err := ns.answers(ctx, true, time.Minute); err != nil {
		return err
	}
	rec.cost(title+fmt.Sprintf("%d services roll, then one change to its first answer", count), "ms", ms(time.Since(began)), 0)
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	after, err := measure.Process(pid)
	if err != nil {
		return err
	}
	rec.cost(title+fmt.Sprintf("CPU time of the %d changes", count), "s", (after.CPU - before.CPU).Seconds(), 0)
	return nil
}

// proxyAPI returns an API server with so many services, upstream's for both sides.
func (b *bench) proxyAPI(ctx context.Context, n int) (*running, error) {
	if r := b.proxyAPIs[n]; r != nil {
		return r, nil
	}
	r, err := startCluster(ctx, peer.Config{Dir: filepath.Join(b.dir, fmt.Sprintf("proxy-api-%d", n)), UnsafeNoFsync: true})
	if err != nil {
		return nil, err
	}
	b.proxyAPIs[n] = r
	clients, err := load.NewClients(r.RESTConfig(peer.Admin), 16)
	if err != nil {
		return nil, err
	}
	first := clients[0].Typed.CoreV1()
	if _, err := first.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: loadSpace}}, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: proxyNode},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeAddress}}}}
	if node, err = first.Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeAddress}}
	if _, err := first.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return nil, err
	}
	probe := proxyService(probeName)
	probe.Spec.ClusterIP, _, _ = strings.Cut(probeVIP, ":")
	if _, err := first.Services(loadSpace).Create(ctx, probe, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	_, err = load.Do(ctx, clients, n, func(ctx context.Context, c *load.Client, i int) error {
		if _, err := c.Typed.CoreV1().Services(loadSpace).Create(ctx, proxyService(proxyName(i)), metav1.CreateOptions{}); err != nil {
			return err
		}
		_, err := c.Typed.DiscoveryV1().EndpointSlices(loadSpace).Create(ctx, proxySlice(i, 0), metav1.CreateOptions{})
		return err
	})
	return r, err
}

func proxyName(i int) string { return fmt.Sprintf("svc-%d", i) }

func proxyService(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}}}
}

func emptySlice(service string) *discovery.EndpointSlice {
	return &discovery.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: service, Namespace: loadSpace, Labels: map[string]string{discovery.LabelServiceName: service}},
		AddressType: discovery.AddressTypeIPv4,
		Ports:       []discovery.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080), Protocol: ptr.To(corev1.ProtocolTCP)}},
	}
}

// proxySlice has three endpoints, of which the last depends on the generation.
func proxySlice(i int, generation byte) *discovery.EndpointSlice {
	s := emptySlice(proxyName(i))
	for k := range 3 {
		ip := net.IPv4(10, 244, byte(i/80), byte(3*(i%80)+k))
		if k == 2 {
			ip[13] = 245 + generation%8
		}
		s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addresses: []string{ip.String()}, NodeName: ptr.To("another-node")})
	}
	return s
}

// setProbe gives the probe one endpoint, or none for no address.
func setProbe(ctx context.Context, c *load.Client, address string) error {
	s := emptySlice(probeName)
	s.Ports[0].Port = ptr.To[int32](probePort)
	if address != "" {
		s.Endpoints = []discovery.Endpoint{{Addresses: []string{address}, NodeName: ptr.To(proxyNode)}}
	}
	api := c.Typed.DiscoveryV1().EndpointSlices(loadSpace)
	_, err := api.Update(ctx, s, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = api.Create(ctx, s, metav1.CreateOptions{})
	}
	return err
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
