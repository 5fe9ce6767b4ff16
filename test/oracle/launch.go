package oracle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// program is one of the two programs that are compared.
type program struct {
	name, path string
	// host is the name of the machine it is to see; empty is the real one. Servers of one cluster are told apart by it. Others need root.
	host string
}

// programs are upstream's API server and ours; the test skips where one is not built.
func programs(t *testing.T) []program {
	t.Helper()
	theirs := filepath.Join(peer.DefaultBinDir(), "kube-apiserver")
	if _, err := os.Stat(theirs); err != nil {
		t.Skipf("upstream's kube-apiserver is not built: %v", err)
	}
	return []program{{name: "theirs", path: theirs}, {name: "ours", path: filepath.Join(binaries(t), "kube-apiserver")}}
}

// binaries is a folder with our API server beside the store; the test skips if it is not built.
func binaries(t *testing.T) string {
	bin := peer.OurAPIServer()
	if _, err := os.Stat(bin); err != nil {
		t.Skipf("our kube-apiserver is not built: %v", err)
	}
	dir := t.TempDir()
	for name, target := range map[string]string{"kube-apiserver": bin, "etcd": filepath.Join(peer.DefaultBinDir(), "etcd")} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// process is an API server whose life is the test's matter, which peer's is not.
type process struct {
	*server
	*peer.Process
	log string
}

// begin starts a program on the keys, port and store of a cluster, and does not wait until it answers. Flags win over the cluster's.
func begin(t *testing.T, b program, c *peer.Cluster, flags ...string) *process {
	t.Helper()
	p := &process{log: logFile(t, b.name)}
	// Some flags add to those before them, so the cluster's own are left out.
	own := slices.DeleteFunc(c.APIServerArgs(), func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, name+"=") })
	})
	cmd := exec.Command(b.path, append(own, flags...)...)
	if b.host != "" {
		if os.Getuid() != 0 {
			t.Skip("only root can give a process another host name")
		}
		cmd = exec.Command("sh", append([]string{"-c", `hostname "$0" && exec "$@"`, b.host, b.path}, append(own, flags...)...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS}
	}
	var err error
	if p.Process, err = peer.Begin(cmd, p.log); err != nil {
		t.Fatal(err)
	}
	config := c.RESTConfig(peer.Admin)
	for _, f := range flags {
		if port, ok := strings.CutPrefix(f, "--secure-port="); ok {
			config.Host = "https://127.0.0.1:" + port
		}
		if f == "--tls-cert-file=" {
			// Nobody knows the certificate that it makes for itself.
			config.CAData, config.Insecure = nil, true
		}
	}
	if p.server, err = newServer(endpoint{config: config, pki: c.PKIDir(), etcd: c.Etcd()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end(t) })
	return p
}

// logFile is a new file for the output of a process.
func logFile(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name+".log") }

// end stops the process and waits for it.
func (p *process) end(t *testing.T) {
	// Requests that are under way have a minute.
	if err := p.End(75 * time.Second); err != nil {
		t.Errorf("%v: %s", err, p.tail())
	}
	p.client.CloseIdleConnections()
}

// ready waits until the server says that it is; a server that ends before is an error.
func (p *process) ready(ctx context.Context) error {
	return p.until(ctx, 4*time.Minute, func() (bool, error) {
		a, err := p.send(ctx, request{method: "GET", path: "/readyz"})
		return err == nil && a.code == 200, nil
	})
}

// until asks until the answer is yes.
func (p *process) until(ctx context.Context, within time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ask(); err != nil || yes {
			return err
		}
		select {
		case <-p.Done():
			return fmt.Errorf("the server ended with %d: %s", p.Cmd.ProcessState.ExitCode(), p.tail())
		case <-ctx.Done():
			return errors.New("waited in vain: " + p.tail())
		case <-tick.C:
		}
	}
}

// tail is the end of the log.
func (p *process) tail() string {
	data, _ := os.ReadFile(p.log)
	return string(data[max(0, len(data)-3000):])
}

// launch is begin for a server that is to become ready.
func launch(t *testing.T, b program, c *peer.Cluster, flags ...string) *process {
	t.Helper()
	p := begin(t, b, c, flags...)
	if err := p.ready(t.Context()); err != nil {
		t.Fatalf("%s: %v", b.name, err)
	}
	return p
}

var (
	// failed is how a program says why it ends.
	failed = regexp.MustCompile(`"command failed" err="((?:[^"\\]|\\.)*)"`)
	// usage is how it says that it does not understand its flags.
	usage = regexp.MustCompile(`(?m)^Error: (.*)$`)
)

// refusal waits until a server that must not start has ended, and tells its exit code and its reason.
func (p *process) refusal(within time.Duration) string {
	select {
	case <-p.Done():
	case <-time.After(within):
		if !p.Ended() { // both at once
			return "starts"
		}
	}
	data, _ := os.ReadFile(p.log)
	reason := "no reason"
	if m := failed.FindStringSubmatch(string(data)); m != nil {
		reason = strings.ReplaceAll(m[1], `\"`, `"`)
	} else if m := usage.FindStringSubmatch(string(data)); m != nil {
		reason = m[1]
	} else if strings.Contains(string(data), "panic: ") {
		reason = "panic"
	}
	return fmt.Sprintf("%d: %s", p.Cmd.ProcessState.ExitCode(), reason)
}
