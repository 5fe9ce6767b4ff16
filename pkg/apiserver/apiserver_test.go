package apiserver

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// TestNewLeavesNoPort: a server that could not be built is built again by who runs it, on the same port.
func TestNewLeavesNoPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewConfig()
	c.SecureServing.Listener = listener
	c.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	c.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	c.SecureServing.ServerCert.CertDirectory = t.TempDir()
	c.ServerRun.AdvertiseAddress = net.ParseIP("192.0.2.1")
	c.Etcd.StorageConfig.Transport.ServerList = []string{"http://127.0.0.1:1"}
	c.Authentication.ServiceAccounts.Issuers = []string{"https://kubernetes.default.svc"}
	c.Authentication.ServiceAccounts.KeyFiles = []string{"testdata/there-is-no-such-key"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := New(ctx, c); err == nil {
		t.Fatal("a server without keys was built")
	}
	// Listening there again would tell less: on a busy machine another process may have taken the port meanwhile.
	if err := listener.(*net.TCPListener).SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the port is still taken: %v", err)
	}
}
