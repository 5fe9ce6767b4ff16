package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
	"tiphys.dev/tiphys/pkg/allinone/status"
)

const (
	root = "../../.."
	// patience is for each step; the machine may be busy.
	patience = 3 * time.Minute
	// stopLimit is what the README promises.
	stopLimit = 10 * time.Second
	image     = "registry.k8s.io/pause:3.10.2"
)

// machine is a node without a server.
type machine struct {
	t       *testing.T
	cluster *sandbox.Cluster
	program string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a node")
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
	cluster, err := sandbox.Up(t.Context(), sandbox.Config{
		Name: "e2e-server", Executable: program, NodeOnly: true, Progress: t.Logf,
		ServerArgs: []string{"--node-bin-dir=" + nodeBin, "--image-dir=" + images},
	})
	if cluster != nil {
		t.Cleanup(func() {
			if err := cluster.Down(true); err != nil {
				t.Errorf("taking the node away: %v", err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &machine{t, cluster, program}
}

// inside runs a command on the node.
func (m *machine) inside(name string, args ...string) {
	m.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := m.cluster.Namespaces().Do(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		m.t.Fatalf("%s %v: %v\n%s", name, args, err, out.String())
	}
}

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan error
}

func (m *machine) serve() *process {
	m.t.Helper()
	p := &process{ended: make(chan error, 1)}
	p.cmd = exec.Command(m.program, append([]string{"server"}, m.cluster.ServerFlags()...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := m.cluster.Namespaces().Do(p.cmd.Start); err != nil {
		m.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// awaitReady waits until all components are.
func (m *machine) awaitReady(p *process) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	err := status.Follow(ctx, m.cluster.DataDir(), func(s status.Status) bool { return s.PID == p.cmd.Process.Pid && s.Ready })
	if err != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
		m.t.Fatalf("the server did not become ready: %v\n%s", err, p.output.String())
	}
}

// stop asks for an ordered end and gives the time it took.
func (m *machine) stop(p *process) time.Duration {
	m.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		m.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			m.t.Errorf("the server ended with %v\n%s", err, last(p.output.String()))
		}
	case <-time.After(patience):
		m.t.Fatal("the server does not end")
	}
	return time.Since(began)
}

func last(text string) string { return text[max(0, len(text)-3000):] }

func (m *machine) client() kubernetes.Interface {
	m.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", m.cluster.AdminKubeconfig())
	if err != nil {
		m.t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		m.t.Fatal(err)
	}
	return client
}

// eventually waits for a condition of the API.
func (m *machine) eventually(what string, done func(ctx context.Context) (bool, error)) {
	m.t.Helper()
	if err := wait.PollUntilContextTimeout(m.t.Context(), 200*time.Millisecond, patience, true, done); err != nil {
		m.t.Fatalf("%s: %v", what, err)
	}
}

// running waits until the pod's container runs.
func (m *machine) running(client kubernetes.Interface, name string) *corev1.Pod {
	m.t.Helper()
	var pod *corev1.Pod
	m.eventually("the pod runs", func(ctx context.Context) (bool, error) {
		var err error
		pod, err = client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		return err == nil && len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].State.Running != nil, nil
	})
	return pod
}

func (m *machine) create(client kubernetes.Interface, name string) error {
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
	defer cancel()
	_, err := client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return err
}

// processOf tells whether some process of the machine is in a cgroup of the pod.
func processOf(pod *corev1.Pod) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte(pod.UID)) {
			return true
		}
	}
	return false
}

func TestBadDays(t *testing.T) {
	m := newMachine(t)
	// The store has a small disk of its own: filling it must not reach the machine.
	store := filepath.Join(m.cluster.DataDir(), "etcd")
	m.inside("mkdir", "-p", store)
	m.inside("mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", store)
	p := m.serve()
	m.awaitReady(p)
	client := m.client()
	m.eventually("the default service account", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "steady"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image, ImagePullPolicy: corev1.PullNever}}},
	}
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := m.running(client, pod.Name)

	t.Run("a second server on the same data directory is refused", func(t *testing.T) {
		second := m.serve()
		if err := <-second.ended; err == nil || !strings.Contains(second.output.String(), "another tiphys runs on "+m.cluster.DataDir()) {
			t.Errorf("it ended with %v and said\n%s", err, second.output.String())
		}
	})

	t.Run("a full disk costs writes only", func(t *testing.T) {
		filler := filepath.Join(store, "filler")
		// 40 MiB stay free.
		m.inside("sh", "-c", fmt.Sprintf("free=$(($(stat -f -c '%%a * %%S' %[1]s))); fallocate -l $((free - (40<<20))) %[2]s", store, filler))
		n := 0
		m.eventually("writes are refused", func(context.Context) (bool, error) {
			n++
			err := m.create(client, fmt.Sprintf("written-%d", n))
			if err != nil && !strings.Contains(err.Error(), "space exceeded") {
				return false, fmt.Errorf("refused otherwise: %w", err)
			}
			return err != nil, nil
		})
		if _, err := client.CoreV1().Pods("default").Get(t.Context(), pod.Name, metav1.GetOptions{}); err != nil {
			t.Errorf("reading: %v", err)
		}
		m.inside("rm", filler)
		m.eventually("writes go on", func(context.Context) (bool, error) { return m.create(client, "after") == nil, nil })
		for i := range n - 1 {
			if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), fmt.Sprintf("written-%d", i+1), metav1.GetOptions{}); err != nil {
				t.Errorf("written before: %v", err)
			}
		}
		if !strings.Contains(p.output.String(), "The disk is full: the store takes no more writes") {
			t.Error("the log does not say that the disk was full")
		}
	})

	t.Run("an ordered stop leaves the pods running", func(t *testing.T) {
		if took := m.stop(p); took > stopLimit {
			t.Errorf("stopping took %v", took)
		} else {
			t.Logf("stopping took %v", took)
		}
		if !processOf(before) {
			t.Error("the pod's processes are gone")
		}
	})

	t.Run("a start finds them", func(t *testing.T) {
		p = m.serve()
		m.awaitReady(p)
		after := m.running(client, pod.Name)
		was, is := before.Status.ContainerStatuses[0], after.Status.ContainerStatuses[0]
		if is.ContainerID != was.ContainerID || is.RestartCount != 0 || after.UID != before.UID {
			t.Errorf("before %s, after %s with %d restarts", was.ContainerID, is.ContainerID, is.RestartCount)
		}
	})

	t.Run("so does one after SIGKILL", func(t *testing.T) {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.ended
		if !processOf(before) {
			t.Error("the pod's processes are gone")
		}
		p = m.serve()
		m.awaitReady(p)
		if id := m.running(client, pod.Name).Status.ContainerStatuses[0].ContainerID; id != before.Status.ContainerStatuses[0].ContainerID {
			t.Errorf("before %s, after %s", before.Status.ContainerStatuses[0].ContainerID, id)
		}
	})

	zero := int64(0)
	if err := client.CoreV1().Pods("default").Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero}); err != nil {
		t.Error(err)
	}
	m.eventually("the pod is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Pods("default").Get(ctx, pod.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if took := m.stop(p); took > stopLimit {
		t.Errorf("stopping took %v", took)
	}
	m.inside("umount", store)
}

// TestWrongInput gives what people get wrong; each must be answered with one sentence that says what to do.
func TestWrongInput(t *testing.T) {
	m := newMachine(t)
	taken, err := os.MkdirTemp(t.TempDir(), "foreign")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(taken, "holiday.jpg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"a foreign data directory", []string{"--data-dir=" + taken}, "choose an empty or new folder with --data-dir"},
		{"an unwritable data directory", []string{"--data-dir=/proc/tiphys"}, "choose another with --data-dir"},
		{"an address of another machine", []string{"--node-ip=192.0.2.77"}, "is not an address of this machine"},
		{"no address at all", []string{"--node-ip=here"}, "--node-ip"},
		{"an unknown component", []string{"--use-binary=kube-dns=/bin/true"}, "kube-dns"},
		{"a program that is not there", []string{"--use-binary=kubelet=/none"}, "/none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := exec.Command(m.program, append(append([]string{"server"}, m.cluster.ServerFlags()...), c.args...)...)
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := m.cluster.Namespaces().Do(cmd.Start); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out.String(), c.want) {
					t.Errorf("%v, said\n%s\nwant %q", err, out.String(), c.want)
				}
				if lines := strings.Count(strings.TrimSpace(out.String()), "\n"); lines > 0 {
					t.Errorf("more than one line:\n%s", out.String())
				}
			case <-time.After(patience):
				_ = cmd.Process.Kill()
				t.Fatal("it runs")
			}
		})
	}
}
