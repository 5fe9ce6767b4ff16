package oracle

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc"
	konnectivity "sigs.k8s.io/apiserver-network-proxy/konnectivity-client/proto/client"

	"tiphys.dev/tiphys/test/peer"
)

// The ways to a proxy of an egress.
const (
	connectOverSocket = "HTTPConnect over a socket"
	connectOverTLS    = "HTTPConnect over TLS"
	grpcOverSocket    = "GRPC over a socket"
)

// tunnel is the proxy of one network: it connects to wherever it is asked to, and remembers that.
type tunnel struct {
	// connection is how the API server's configuration names it.
	connection string

	mu    sync.Mutex
	asked map[string]int
}

// newTunnel opens a proxy in one of the ways, until the test ends.
func newTunnel(t *testing.T, way string, c *peer.Cluster) *tunnel {
	t.Helper()
	p := &tunnel{asked: map[string]int{}}
	socket := filepath.Join(shortDir(t), "proxy.sock")
	var listener net.Listener
	var err error
	switch way {
	case connectOverTLS:
		p.connection = "{proxyProtocol: HTTPConnect, transport: {tcp: {url: %q, tlsConfig: {caBundle: %q, clientKey: %q, clientCert: %q}}}}"
		listener, err = tls.Listen("tcp", "127.0.0.1:0", proxyTLS(t, c))
		if err == nil {
			pki := c.PKIDir()
			p.connection = fmt.Sprintf(p.connection, "https://"+listener.Addr().String(), pki+"/ca.crt", pki+"/apiserver-kubelet-client.key", pki+"/apiserver-kubelet-client.crt")
		}
	case connectOverSocket:
		p.connection = fmt.Sprintf("{proxyProtocol: HTTPConnect, transport: {uds: {udsName: %q}}}", socket)
		listener, err = net.Listen("unix", socket)
	case grpcOverSocket:
		p.connection = fmt.Sprintf("{proxyProtocol: GRPC, transport: {uds: {udsName: %q}}}", socket)
		listener, err = net.Listen("unix", socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	if way == grpcOverSocket {
		server := grpc.NewServer()
		konnectivity.RegisterProxyServiceServer(server, &konnector{tunnel: p})
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(server.Stop)
		return p
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.connect(conn)
		}
	}()
	return p
}

// shortDir is a folder whose name leaves room for that of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tunnel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// proxyTLS shows the API server's certificate and wants one of the same authority.
func proxyTLS(t *testing.T, c *peer.Cluster) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.PKIDir()+"/apiserver.crt", c.PKIDir()+"/apiserver.key")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(c.PKIDir() + "/ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func (p *tunnel) dial(address string) (net.Conn, error) {
	p.mu.Lock()
	p.asked[address]++
	p.mu.Unlock()
	return net.Dial("tcp", address)
}

// targets are the addresses that were asked for.
func (p *tunnel) targets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sortedKeys(p.asked)
}

// connect serves one connection of HTTP CONNECT.
func (p *tunnel) connect(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil || req.Method != http.MethodConnect {
		fmt.Fprint(conn, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		return
	}
	target, err := p.dial(req.Host)
	if err != nil {
		fmt.Fprint(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer target.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(target, r)
		_ = target.Close()
	}()
	_, _ = io.Copy(conn, target)
}

// konnector serves the protocol of konnectivity, one connection a stream.
type konnector struct {
	konnectivity.UnimplementedProxyServiceServer
	*tunnel
}

func (k *konnector) Proxy(stream konnectivity.ProxyService_ProxyServer) error {
	var mu sync.Mutex
	send := func(p *konnectivity.Packet) error {
		mu.Lock()
		defer mu.Unlock()
		return stream.Send(p)
	}
	var target net.Conn
	defer func() {
		if target != nil {
			_ = target.Close()
		}
	}()
	const id = 1
	for {
		p, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		switch p.Type {
		case konnectivity.PacketType_DIAL_REQ:
			ask := p.GetDialRequest()
			answer := &konnectivity.DialResponse{Random: ask.Random, ConnectID: id}
			if target, err = k.dial(ask.Address); err != nil {
				answer.Error = err.Error()
			}
			if err := send(&konnectivity.Packet{Type: konnectivity.PacketType_DIAL_RSP, Payload: &konnectivity.Packet_DialResponse{DialResponse: answer}}); err != nil {
				return err
			}
			if target == nil {
				return nil
			}
			go func(from net.Conn) {
				buffer := make([]byte, 16<<10)
				for {
					n, err := from.Read(buffer)
					if n > 0 && send(&konnectivity.Packet{Type: konnectivity.PacketType_DATA, Payload: &konnectivity.Packet_Data{Data: &konnectivity.Data{ConnectID: id, Data: append([]byte(nil), buffer[:n]...)}}}) != nil {
						return
					}
					if err != nil {
						_ = send(&konnectivity.Packet{Type: konnectivity.PacketType_CLOSE_RSP, Payload: &konnectivity.Packet_CloseResponse{CloseResponse: &konnectivity.CloseResponse{ConnectID: id}}})
						return
					}
				}
			}(target)
		case konnectivity.PacketType_DATA:
			if target != nil {
				if _, err := target.Write(p.GetData().Data); err != nil {
					_ = target.Close()
				}
			}
		case konnectivity.PacketType_CLOSE_REQ:
			if target != nil {
				_ = target.Close()
			}
			return send(&konnectivity.Packet{Type: konnectivity.PacketType_CLOSE_RSP, Payload: &konnectivity.Packet_CloseResponse{CloseResponse: &konnectivity.CloseResponse{ConnectID: id}}})
		case konnectivity.PacketType_DIAL_CLS:
			return nil
		}
	}
}
