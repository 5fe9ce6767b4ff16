package nodes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/allinone/status"
)

// hostPort is one nobody else uses on a node.
const hostPort = 18085

func TestTwoNodes(t *testing.T) {
	w := newWorld(t)
	w.up(1)
	first := w.cluster.NodeNames()[0]
	// There before the second node: its connections must survive that the network is taken apart for it.
	a := w.pod("a", first, nil)
	w.serve(w.inside(a))
	w.expect(host, at(a.Status.PodIP, port), "pod a saw")
	w.up(2)
	names := w.cluster.NodeNames()
	if len(names) != 2 {
		t.Fatalf("nodes %q", names)
	}
	second := names[1]
	b := w.pod("b", second, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: port, HostPort: hostPort}}
	})
	w.serve(w.inside(b))
	inA, inB := w.inside(a), w.inside(b)

	t.Run("pods reach each other by their own addresses", func(t *testing.T) {
		w.expect(inB, at(a.Status.PodIP, port), "pod a saw "+b.Status.PodIP)
		w.expect(inA, at(b.Status.PodIP, port), "pod b saw "+a.Status.PodIP)
		w.expect(host, at(b.Status.PodIP, port), "pod b saw")
		w.expect(w.on(first), at(b.Status.PodIP, port), "pod b saw "+w.cluster.Network().Node().String())
	})

	service, err := w.client.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "web"},
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(port)}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a service is answered by the pods of both nodes, wherever one asks", func(t *testing.T) {
		for _, from := range []place{inA, inB, w.on(first), w.on(second), host} {
			for _, pod := range []string{"pod a", "pod b"} {
				w.expect(from, at(service.Spec.ClusterIP, 80), pod)
			}
		}
	})

	t.Run("so are node ports, at both nodes", func(t *testing.T) {
		for i := range names {
			address := at(w.cluster.Network().NodeAt(i+1).String(), int(service.Spec.Ports[0].NodePort))
			for _, pod := range []string{"pod a", "pod b"} {
				w.expect(host, address, pod)
				w.expect(inA, address, pod)
			}
		}
	})

	t.Run("a host port is the node's of its pod", func(t *testing.T) {
		address := at(w.cluster.Network().NodeAt(2).String(), hostPort)
		w.expect(host, address, "pod b")
		w.expect(inA, address, "pod b saw "+a.Status.PodIP)
		if got, err := host.ask(at(w.cluster.Network().NodeAt(1).String(), hostPort)); err == nil {
			t.Errorf("the other node answers, too: %s", got)
		}
	})

	t.Run("DNS answers on the second node", func(t *testing.T) {
		w.eventually("looking the service up", func(context.Context) error {
			got, err := inB.lookUp(w.cluster.Network().DNS().String(), "web.default.svc.cluster.local.")
			if err == nil && !slices.Equal(got, []string{service.Spec.ClusterIP}) {
				err = fmt.Errorf("got %q", got)
			}
			return err
		})
	})

	t.Run("the API server speaks to the second kubelet", func(t *testing.T) {
		// The pause program says nothing; what counts is that the kubelet's certificate is trusted, and ours by it.
		figures, err := w.client.CoreV1().RESTClient().Get().Resource("nodes").Name(second).SubResource("proxy").Suffix("metrics").DoRaw(t.Context())
		for _, name := range []string{"kubelet_running_pods", `kubelet_runtime_operations_total{operation_type="run_podsandbox"}`, "kubelet_pod_start_duration_seconds_count"} {
			if err != nil || !strings.Contains(string(figures), "\n"+name+" ") {
				t.Errorf("the kubelet's metrics have no %s (%v)", name, err)
			}
		}
		if _, err := w.client.CoreV1().Pods("default").GetLogs("b", &corev1.PodLogOptions{}).DoRaw(t.Context()); err != nil {
			t.Error(err)
		}
	})

	t.Run("images come to both nodes", func(t *testing.T) {
		out := w.tiphys("image", "import", "--name", w.config.Name, "--node-bin-dir", w.nodeBin, filepath.Join(w.images, "pause.tar"))
		if out != image+"\n" {
			t.Errorf("it said %q", out)
		}
	})

	t.Run("an agent that is killed comes back without a token, and finds its pods", func(t *testing.T) {
		dir, err := w.cluster.NodeDataDir(second)
		if err != nil {
			t.Fatal(err)
		}
		s, err := status.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := jointoken.List(t.Context(), w.client, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(s.PID)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		w.eventually("the agent has ended", func(context.Context) error {
			if s.Alive() {
				return errors.New("it lives")
			}
			return nil
		})
		// Nobody has to be there for packets to go.
		w.expect(inA, at(b.Status.PodIP, port), "pod b saw "+a.Status.PodIP)
		w.up(0)
		again, err := status.Read(dir)
		if err != nil || again.PID == s.PID || !again.Ready {
			t.Fatalf("status %+v, %v", again, err)
		}
		after, err := jointoken.List(t.Context(), w.client, time.Now())
		if err != nil || len(after) != len(tokens) {
			t.Errorf("tokens before %v, after %v, %v", tokens, after, err)
		}
		now := w.running("b")
		if was, is := b.Status.ContainerStatuses[0], now.Status.ContainerStatuses[0]; is.ContainerID != was.ContainerID || is.RestartCount != 0 || now.UID != b.UID {
			t.Errorf("before %s, after %s with %d restarts", was.ContainerID, is.ContainerID, is.RestartCount)
		}
		w.expect(inB, at(a.Status.PodIP, port), "pod a saw "+b.Status.PodIP)
		w.pod("c", second, nil)
	})

	t.Run("a drained node's pods come up on the other", func(t *testing.T) {
		labels := map[string]string{"app": "spread"}
		deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "spread"}, Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				TerminationGracePeriodSeconds: ptr.To(int64(1)),
				Containers:                    []corev1.Container{{Name: "c", Image: image, ImagePullPolicy: corev1.PullNever}},
				TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "kubernetes.io/hostname",
					WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{MatchLabels: labels}}},
			}},
		}}
		if _, err := w.client.AppsV1().Deployments("default").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.eventually("one pod on each node", func(ctx context.Context) error { return w.spread(ctx, first, second) })
		w.tiphys("kubectl", "--kubeconfig", w.cluster.AdminKubeconfig(), "drain", second, "--force", "--ignore-daemonsets", "--grace-period=1", "--timeout=2m")
		w.eventually("both pods on the first node", func(ctx context.Context) error { return w.spread(ctx, first, first) })
		left, err := w.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + second})
		if err != nil || len(left.Items) != 0 {
			t.Errorf("%d pods are left on the drained node, %v", len(left.Items), err)
		}
		w.tiphys("kubectl", "--kubeconfig", w.cluster.AdminKubeconfig(), "uncordon", second)
		w.pod("d", second, nil)
	})

	t.Run("a node that is deleted joins again with what it has", func(t *testing.T) {
		if err := w.client.CoreV1().Nodes().Delete(t.Context(), second, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.eventually("its route is gone", func(ctx context.Context) error { return w.routes(first, 0) })
		dir, err := w.cluster.NodeDataDir(second)
		if err != nil {
			t.Fatal(err)
		}
		s, err := status.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(s.PID)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		w.eventually("the agent has ended", func(context.Context) error {
			if s.Alive() {
				return errors.New("it lives")
			}
			return nil
		})
		w.up(0)
		w.eventually("its route is back", func(ctx context.Context) error { return w.routes(first, 1) })
		e := w.pod("e", second, nil)
		inE := w.inside(e)
		w.serve(inE)
		w.expect(inA, at(e.Status.PodIP, port), "pod e saw "+a.Status.PodIP)
		w.expect(inE, at(a.Status.PodIP, port), "pod a saw "+e.Status.PodIP)
	})

	t.Run("nothing is left", func(t *testing.T) {
		if err := w.cluster.Down(true); err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []string{"/run/tiphys/e2e-nodes*", "/sys/fs/cgroup/*/tiphys-e2e-nodes*", "/sys/fs/cgroup/tiphys-e2e-nodes*", w.cluster.DataDir()} {
			if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
				t.Errorf("left: %q, %v", left, err)
			}
		}
	})
}

func at(ip string, port int) string { return net.JoinHostPort(ip, fmt.Sprint(port)) }

// spread compares the nodes of the deployment's pods that are ready.
func (w *world) spread(ctx context.Context, want ...string) error {
	pods, err := w.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=spread"})
	if err != nil {
		return err
	}
	var got []string
	for _, p := range pods.Items {
		if len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].Ready && p.DeletionTimestamp == nil {
			got = append(got, p.Spec.NodeName)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("pods on %q, want %q", got, want)
	}
	return nil
}

// routes counts a node's routes to the pods of others.
func (w *world) routes(node string, want int) error {
	set, err := w.cluster.NodeNamespaces(node)
	if err != nil {
		return err
	}
	var out strings.Builder
	cmd := exec.Command("ip", "route", "show", "proto", "84")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := set.Do(cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, out.String())
	}
	if got := strings.Count(out.String(), "\n"); got != want {
		return fmt.Errorf("%d routes, want %d:\n%s", got, want, out.String())
	}
	return nil
}

// tiphys runs the program under test.
func (w *world) tiphys(args ...string) string {
	w.Helper()
	out, err := exec.CommandContext(w.Context(), w.config.Executable, args...).CombinedOutput()
	if err != nil {
		w.Fatalf("tiphys %v: %v\n%s", args, err, out)
	}
	return string(out)
}
