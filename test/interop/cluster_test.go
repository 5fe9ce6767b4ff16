package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/allinone/sandbox"
	"tiphys.dev/tiphys/pkg/allinone/status"
	"tiphys.dev/tiphys/test/peer"
)

// Bounds for a machine that does other work too; a quiet one needs a tenth.
const (
	startTimeout = 3 * time.Minute
	patience     = 90 * time.Second
	tick         = 50 * time.Millisecond
)

// cluster is a running mix.
type cluster struct {
	*testing.T
	mix    mix
	box    *sandbox.Cluster
	name   string
	config *rest.Config
	client kubernetes.Interface
}

// start runs a mix until the test ends, and then looks for what it left behind.
func start(t *testing.T, m mix, number int, images string) *cluster {
	t.Helper()
	// The person's own kubeconfig is left alone.
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "kubeconfig"))
	c := &cluster{T: t, mix: m, name: fmt.Sprintf("interop-%d-%d", os.Getpid(), number)}
	args := []string{"--node-bin-dir=" + nodeBinDir(), "--image-dir=" + images, "--v=2"}
	for _, component := range components {
		args = append(args, "--use-binary="+component+"="+m.binary(component))
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	box, err := sandbox.Up(ctx, sandbox.Config{
		Name: c.name, Executable: filepath.Join(peer.OurBinDir(), "tiphys"), ServerArgs: args,
		Progress: func(format string, args ...any) { t.Logf(format, args...) },
	})
	if box != nil {
		c.box = box
		t.Cleanup(c.stop)
	}
	if err != nil {
		t.Fatalf("starting the cluster: %v", err)
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", box.AdminKubeconfig()); err != nil {
		t.Fatal(err)
	}
	c.config.QPS = -1
	c.client = kubernetes.NewForConfigOrDie(c.config)
	return c
}

// stop takes the cluster away, keeps its log if the test failed, and looks whether anything stayed.
func (c *cluster) stop() {
	if c.Failed() {
		c.keepLog()
	}
	if err := c.box.Down(true); err != nil {
		c.Errorf("stopping the cluster: %v", err)
	}
	if left := leftovers(c.T, c.name, c.box.Network()); len(left) > 0 {
		c.Errorf("the cluster left behind:\n%s", strings.Join(left, "\n"))
	}
}

func (c *cluster) keepLog() {
	dir := filepath.Join(checkout(), "_output", "interop")
	file := filepath.Join(dir, strings.ReplaceAll(c.mix.name, " ", "-")+".log")
	data, err := os.ReadFile(c.box.LogFile())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	c.Logf("the log of all components is in %s (%v)", file, err)
}

// serverStatus is what the process that watches over the components says.
func (c *cluster) serverStatus() status.Status {
	c.Helper()
	s, err := status.Read(c.box.DataDir())
	if err != nil {
		c.Fatal(err)
	}
	return s
}

// running finds the program of each component among the processes of the cluster.
func (c *cluster) running() map[string]string {
	c.Helper()
	out := map[string]string{}
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", c.serverStatus().PID))
	if err != nil {
		c.Fatal(err)
	}
	for _, file := range children {
		pids, _ := os.ReadFile(file) // the thread may have ended
		for _, pid := range strings.Fields(string(pids)) {
			if exe, err := os.Readlink("/proc/" + pid + "/exe"); err == nil {
				out[filepath.Base(exe)] = exe
			}
		}
	}
	return out
}

// inside runs a command on the node and returns what it wrote.
func (c *cluster) inside(name string, args ...string) string {
	c.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(c.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := c.box.Namespaces().Do(cmd.Start); err != nil {
		c.Fatalf("starting %s on the node: %v", name, err)
	}
	if err := cmd.Wait(); err != nil {
		c.Fatalf("%s %s on the node: %v: %s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// eventually waits until the question is answered with "", and fails with the last answer.
func (c *cluster) eventually(what string, question func() string) {
	c.Helper()
	began, last := time.Now(), ""
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for time.Since(began) < patience {
		if last = question(); last == "" {
			c.Logf("%-40s after %.1f s", what, time.Since(began).Seconds())
			return
		}
		select {
		case <-ticker.C:
		case <-c.Context().Done():
			c.Fatalf("%s: interrupted: %s", what, last)
		}
	}
	c.Fatalf("%s: not within %v: %s", what, patience, last)
}

func (c *cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }
