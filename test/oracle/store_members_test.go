package oracle

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// members is a store of three that speaks TLS only, and only with those who show a certificate.
type members struct {
	t    *testing.T
	args [3][]string
	all  [3]*peer.Process
	urls []string
}

func startMembers(t *testing.T, pki string) *members {
	t.Helper()
	m := &members{t: t}
	var ports []string
	for range 6 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().String())
	}
	var cluster []string
	for i := range 3 {
		cluster = append(cluster, fmt.Sprintf("m%d=http://%s", i, ports[i+3]))
		m.urls = append(m.urls, "https://"+ports[i])
	}
	for i := range 3 {
		m.args[i] = []string{
			fmt.Sprintf("--name=m%d", i), "--data-dir=" + t.TempDir(), "--unsafe-no-fsync", "--enable-grpc-gateway=false",
			"--listen-client-urls=" + m.urls[i], "--advertise-client-urls=" + m.urls[i],
			"--listen-peer-urls=http://" + ports[i+3], "--initial-advertise-peer-urls=http://" + ports[i+3], "--initial-cluster=" + strings.Join(cluster, ","),
			"--cert-file=" + pki + "/apiserver.crt", "--key-file=" + pki + "/apiserver.key", "--trusted-ca-file=" + pki + "/ca.crt", "--client-cert-auth",
		}
	}
	t.Cleanup(func() {
		for i, p := range m.all {
			if p != nil {
				m.kill(i)
			}
		}
	})
	return m
}

func (m *members) start(i int) {
	m.t.Helper()
	var err error
	if m.all[i], err = peer.Begin(exec.Command(filepath.Join(peer.DefaultBinDir(), "etcd"), m.args[i]...), logFile(m.t, fmt.Sprintf("m%d", i))); err != nil {
		m.t.Fatal(err)
	}
}

func (m *members) signal(i int, s syscall.Signal) { _ = m.all[i].Cmd.Process.Signal(s) }

// kill ends a member without a word.
func (m *members) kill(i int) {
	if err := m.all[i].Kill(); err != nil {
		m.t.Error(err)
	}
}

// met is what clients met.
type met struct {
	asked, failed, late int
	median, worst       time.Duration
	reasons             map[string]bool
}

func (l met) String() string {
	return fmt.Sprintf("%d asked, %d failed, %d took more than a second, median %v, worst %v %v", l.asked, l.failed, l.late, l.median.Round(time.Millisecond), l.worst.Round(time.Millisecond), sortedKeys(l.reasons))
}

// loaded lets clients read and write for a while.
func loaded(ctx context.Context, p *process, clients int, during time.Duration) met {
	var mu sync.Mutex
	var took []time.Duration
	out := met{reasons: map[string]bool{}}
	end := time.Now().Add(during)
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				r := request{method: http.MethodGet, path: mapPath + "/shared?timeout=20s"}
				if n%4 == 0 {
					r = request{method: http.MethodPatch, path: fmt.Sprintf("%s/own-%d?timeout=20s", mapPath, c), contentType: mergePatch, body: fmt.Appendf(nil, `{"data":{"n":"%d"}}`, n)}
				}
				start := time.Now()
				a, err := p.send(ctx, r)
				d := time.Since(start)
				mu.Lock()
				took = append(took, d)
				if err != nil || a.code != 200 {
					out.failed++
					out.reasons[said(a, err)] = true
				}
				if d > time.Second {
					out.late++
				}
				mu.Unlock()
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	group.Wait()
	slices.Sort(took)
	out.asked, out.median, out.worst = len(took), took[len(took)/2], took[len(took)-1]
	return out
}

// TestStoreMembers has both servers on one store of three members, over TLS, each under a prefix of its own, and takes members away:
// killed, frozen, the majority, all. Clients of ours must not fare worse than upstream's.
func TestStoreMembers(t *testing.T) {
	if testing.Short() {
		t.Skip("connections take their time to be found dead")
	}
	both := programs(t)
	var servers []*process
	var m *members
	for _, b := range both {
		c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true}) // its keys and port; its store is not used
		if m == nil {
			m = startMembers(t, c.PKIDir())
			for i := range 3 {
				m.start(i)
			}
		}
		dir := c.PKIDir()
		if len(servers) > 0 {
			dir = servers[0].pki
		}
		p := launch(t, b, c, "--etcd-servers="+strings.Join(m.urls, ","), "--etcd-prefix=/"+b.name, "--etcd-cafile="+dir+"/ca.crt",
			"--etcd-certfile="+dir+"/apiserver-kubelet-client.crt", "--etcd-keyfile="+dir+"/apiserver-kubelet-client.key", "--v=1")
		for _, name := range []string{"shared", "own-0", "own-1", "own-2", "own-3", "own-4", "own-5", "own-6", "own-7"} {
			if a, err := p.send(t.Context(), request{method: "POST", path: mapPath, body: fmt.Appendf(nil, mapBody, name)}); err != nil || a.code != 201 {
				t.Fatalf("%s: %s", b.name, said(a, err))
			}
		}
		servers = append(servers, p)
	}
	const clients = 8
	measure := func(what string, during time.Duration) (theirs, ours met) {
		var out [2]met
		var group sync.WaitGroup
		for i, p := range servers {
			group.Go(func() { out[i] = loaded(t.Context(), p, clients, during) })
		}
		group.Wait()
		t.Logf("%s\ntheirs %v\nours   %v", what, out[0], out[1])
		return out[0], out[1]
	}
	good := func(what string, during time.Duration) {
		theirs, ours := measure(what, during)
		// Which requests a dead member has is a matter of chance.
		if ours.failed > theirs.failed+clients {
			t.Errorf("%s: %d of ours failed, %d of theirs", what, ours.failed, theirs.failed)
		}
		if ours.late > theirs.late+clients || theirs.late == 0 && ours.median > 2*theirs.median+50*time.Millisecond {
			t.Errorf("%s: %d of ours were late with a median of %v, %d of theirs with %v", what, ours.late, ours.median, theirs.late, theirs.median)
		}
	}
	good("all three", 3*time.Second)
	m.kill(0)
	good("one killed", 8*time.Second)
	m.start(0)
	good("it is back", 5*time.Second)
	m.signal(1, syscall.SIGSTOP)
	good("another frozen", 30*time.Second)
	m.signal(1, syscall.SIGCONT)
	good("it goes on", 10*time.Second)
	m.kill(1)
	m.kill(2)
	measure("the majority killed", 5*time.Second)
	m.start(1)
	m.start(2)
	for i, p := range servers {
		if err := p.ready(t.Context()); err != nil {
			t.Errorf("%s: %v", both[i].name, err)
		}
	}
	good("they are back", 5*time.Second)
	for i := range 3 {
		m.kill(i)
	}
	measure("all killed", 45*time.Second)
	for i := range 3 {
		m.start(i)
	}
	start := time.Now()
	for i, p := range servers {
		if err := p.ready(t.Context()); err != nil {
			t.Errorf("%s: %v", both[i].name, err)
		}
		t.Logf("%s is ready after %v", both[i].name, time.Since(start))
	}
	good("all are back after most of a minute", 5*time.Second)
}
