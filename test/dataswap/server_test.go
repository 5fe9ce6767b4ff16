package dataswap

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/test/peer"
)

// side is one of the two servers.
type side string

const (
	upstream side = "upstream"
	ours     side = "ours"
)

// data is a directory with a store, continued by one server after the other.
type data struct {
	*testing.T
	dir  string
	port int
	// args are further flags of the server, the same for both.
	args []string
	// more are further files of manifests.
	more []string
}

func newData(t *testing.T, args ...string) *data {
	t.Helper()
	if testing.Short() {
		t.Skip("starts etcd and API servers several times")
	}
	for _, dir := range []string{peer.DefaultBinDir(), peer.OurBinDir()} {
		if _, err := os.Stat(filepath.Join(dir, "kube-apiserver")); err != nil {
			t.Skipf("a kube-apiserver is not built: %v", err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The plugin would hold pods back until a controller has made their service account.
	args = append(args, "--disable-admission-plugins=ServiceAccount")
	return &data{T: t, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port, args: args}
}

// server is a running API server.
type server struct {
	*testing.T
	client rest.Interface
	store  *clientv3.Client
	more   []string
}

// serve runs a side on the data while f does its work, and stops it.
func (d *data) serve(s side, f func(*server)) {
	d.Helper()
	bins := d.TempDir()
	for name, dir := range map[string]string{"etcd": peer.DefaultBinDir(), "kube-apiserver": map[side]string{upstream: peer.DefaultBinDir(), ours: peer.OurBinDir()}[s]} {
		if err := os.Symlink(filepath.Join(dir, name), filepath.Join(bins, name)); err != nil {
			d.Fatal(err)
		}
	}
	c, err := peer.New(peer.Config{Dir: d.dir, BinDir: bins, UnsafeNoFsync: true, SecurePort: d.port, APIServerArgs: d.args})
	if err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			d.Errorf("%s: %v", s, err)
		}
	}()
	select {
	case <-c.Ready():
	case err := <-done:
		done <- nil
		d.Fatalf("starting %s: %v", s, err)
	}
	store, err := clientv3.New(clientv3.Config{Endpoints: []string{c.Etcd()}})
	if err != nil {
		d.Fatal(err)
	}
	defer store.Close()
	f(&server{T: d.T, client: kubernetes.NewForConfigOrDie(c.RESTConfig(peer.Admin)).RESTClient(), store: store, more: d.more})
}

func (s *server) get(path string) []byte {
	s.Helper()
	body, err := s.client.Get().RequestURI(path).DoRaw(s.Context())
	if err != nil {
		s.Fatalf("GET %s: %v: %s", path, err, body)
	}
	return body
}

func (s *server) create(path string, object map[string]any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	answer, err := s.client.Post().RequestURI(path).SetHeader("Content-Type", "application/json").Body(body).DoRaw(s.Context())
	if err != nil {
		return fmt.Errorf("POST %s: %w: %s", path, err, answer)
	}
	return nil
}

func (s *server) label(path, value string) []byte {
	s.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"dataswap":%q}}}`, value)
	answer, err := s.client.Patch(types.MergePatchType).RequestURI(path).Body(patch).DoRaw(s.Context())
	if err != nil {
		s.Errorf("PATCH %s: %v: %s", path, err, answer)
	}
	return answer
}

// raw reads everything below /registry.
func (s *server) raw() map[string][]byte {
	s.Helper()
	resp, err := s.store.Get(s.Context(), "/registry/", clientv3.WithPrefix())
	if err != nil {
		s.Fatal(err)
	}
	out := map[string][]byte{}
	for _, kv := range resp.Kvs {
		out[string(kv.Key)] = kv.Value
	}
	return out
}
