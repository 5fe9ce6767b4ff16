package nodes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

const (
	root  = "../../.."
	image = "registry.k8s.io/pause:3.10.2"
	// patience is for each step; the machine may be busy.
	patience = 3 * time.Minute
	// attempt is for one connection.
	attempt = 2 * time.Second
	port    = 8080
)

// world is a cluster that is brought up.
type world struct {
	*testing.T
	config  sandbox.Config
	cluster *sandbox.Cluster
	client  kubernetes.Interface
	// nodeBin and images are folders of the build.
	nodeBin, images string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make nodes")
	}
	abs := func(path string) string {
		out, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	program := os.Getenv("TIPHYS_BIN")
	if program == "" {
		program = abs(root + "/_output/bin/tiphys")
	}
	nodeBin, images := abs(root+"/_output/node/bin"), abs(root+"/_output/bundled")
	for _, path := range []string{program, filepath.Join(nodeBin, "containerd"), images} {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("not built: %v", err)
		}
	}
	// Nobody's kubeconfig is touched.
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "kubeconfig"))
	w := &world{T: t, nodeBin: nodeBin, images: images, config: sandbox.Config{
		Name: "e2e-nodes", Executable: program, Progress: t.Logf,
		ServerArgs: []string{"--node-bin-dir=" + nodeBin, "--image-dir=" + images},
	}}
	return w
}

// up brings up that many nodes, or what is missing of them.
func (w *world) up(nodes int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	w.config.Nodes = nodes
	cluster, err := sandbox.Up(ctx, w.config)
	if w.cluster == nil && cluster != nil {
		w.Cleanup(func() {
			if err := cluster.Down(true); err != nil {
				w.Errorf("taking the cluster away: %v", err)
			}
		})
	}
	w.cluster = cluster
	if err != nil {
		for _, name := range cluster.NodeNames() {
			dir, _ := cluster.NodeDataDir(name)
			log, _ := os.ReadFile(filepath.Join(dir, "tiphys.log"))
			w.Logf("log of %s:\n%s", name, log[max(0, len(log)-5000):])
		}
		w.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", cluster.AdminKubeconfig())
	if err != nil {
		w.Fatal(err)
	}
	if w.client, err = kubernetes.NewForConfig(config); err != nil {
		w.Fatal(err)
	}
}

// eventually waits for a condition.
func (w *world) eventually(what string, done func(ctx context.Context) error) {
	w.Helper()
	var last error
	if err := wait.PollUntilContextTimeout(w.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = done(ctx)
		return last == nil, nil
	}); err != nil {
		w.Fatalf("%s: %v (%v)", what, err, last)
	}
}

// pod starts one on a node and waits until it runs; it is there until the end.
func (w *world) pod(name, node string, change func(*corev1.Pod)) *corev1.Pod {
	w.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{NodeSelector: map[string]string{"kubernetes.io/hostname": node},
			Containers: []corev1.Container{{Name: "c", Image: image, ImagePullPolicy: corev1.PullNever}}},
	}
	if change != nil {
		change(pod)
	}
	w.eventually("the pod is taken", func(ctx context.Context) error {
		_, err := w.client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{})
		return err // the default service account comes with the controllers
	})
	return w.running(name)
}

func (w *world) running(name string) *corev1.Pod {
	w.Helper()
	var pod *corev1.Pod
	w.eventually("pod "+name+" runs", func(ctx context.Context) (err error) {
		if pod, err = w.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == "" || !pod.Status.ContainerStatuses[0].Ready {
			return fmt.Errorf("it is %s, %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		return nil
	})
	return pod
}

// place is a network namespace from which the test speaks.
type place struct{ name, netns string }

// inside is the network of a pod.
func (w *world) inside(pod *corev1.Pod) place {
	w.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte(pod.UID)) {
			return place{"pod " + pod.Name, filepath.Join(filepath.Dir(file), "ns", "net")}
		}
	}
	w.Fatalf("no process of pod %s", pod.Name)
	return place{}
}

// on is the network of a node; host is ours.
func (w *world) on(node string) place {
	w.Helper()
	set, err := w.cluster.NodeNamespaces(node)
	if err != nil {
		w.Fatal(err)
	}
	return place{"node " + node, set.Net()}
}

var host = place{"the host", "/proc/self/ns/net"}

// do calls f on a thread in the place's network; the thread is not used again.
func (p place) do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- func() error {
			file, err := os.Open(p.netns)
			if err != nil {
				return err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-result
}

// serve answers in the place with its name and the address of whoever asks.
func (w *world) serve(p place) {
	w.Helper()
	var l net.Listener
	if err := p.do(func() (err error) {
		l, err = net.Listen("tcp4", fmt.Sprintf(":%d", port))
		return err
	}); err != nil {
		w.Fatalf("listening in %s: %v", p.name, err)
	}
	w.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			remote, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			_, _ = fmt.Fprintf(c, "%s saw %s", p.name, remote)
			c.Close()
		}
	}()
}

// ask dials from a place and returns the answer.
func (p place) ask(address string) (answer string, err error) {
	err = p.do(func() error {
		c, err := net.DialTimeout("tcp4", address, attempt)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(attempt))
		content, err := io.ReadAll(c)
		answer = string(content)
		return err
	})
	if err == nil && answer == "" {
		err = errors.New("an empty answer")
	}
	return answer, err
}

// expect asks until the answer is right: programming takes its moment.
func (w *world) expect(p place, address, want string) {
	w.Helper()
	w.eventually(fmt.Sprintf("%s asks %s", p.name, address), func(context.Context) error {
		got, err := p.ask(address)
		if err == nil && !strings.Contains(got, want) {
			err = fmt.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}

// lookUp asks a DNS server from a place.
func (p place) lookUp(server, name string) (addresses []string, err error) {
	query := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	packed, err := query.Pack()
	if err != nil {
		return nil, err
	}
	err = p.do(func() error {
		c, err := net.DialTimeout("udp4", net.JoinHostPort(server, "53"), attempt)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(attempt))
		if _, err := c.Write(packed); err != nil {
			return err
		}
		buffer := make([]byte, 1500)
		n, err := c.Read(buffer)
		if err != nil {
			return err
		}
		var answer dnsmessage.Message
		if err := answer.Unpack(buffer[:n]); err != nil {
			return err
		}
		for _, r := range answer.Answers {
			if a, ok := r.Body.(*dnsmessage.AResource); ok {
				addresses = append(addresses, net.IP(a.A[:]).String())
			}
		}
		return nil
	})
	return addresses, err
}
