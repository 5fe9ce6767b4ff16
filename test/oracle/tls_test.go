package oracle

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTLS compares how both servers shake hands, and what they say to those who do not speak HTTP well.
func TestTLS(t *testing.T) {
	upstream, ours := servers(t)
	same := func(name string, ask func(host string) string) {
		host := func(e endpoint) string { return strings.TrimPrefix(e.config.Host, "https://") }
		if a, b := ask(host(upstream)), ask(host(ours)); a != b {
			t.Errorf("%s:\ntheirs %s\nours   %s", name, a, b)
		}
	}
	for name, c := range map[string]*tls.Config{
		"plain": {}, "1.0": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "1.2": {MaxVersion: tls.VersionTLS12}, "1.3": {MinVersion: tls.VersionTLS13},
		"http2": {NextProtos: []string{"h2"}}, "http1": {NextProtos: []string{"http/1.1"}}, "both": {NextProtos: []string{"http/1.1", "h2"}}, "odd": {NextProtos: []string{"odd"}}, "old": {NextProtos: []string{"http/1.0"}},
		"name": {ServerName: "kubernetes"}, "another name": {ServerName: "example.com"}, "p384": {CurvePreferences: []tls.CurveID{tls.CurveP384}}, "p521": {CurvePreferences: []tls.CurveID{tls.CurveP521}}, "x25519": {CurvePreferences: []tls.CurveID{tls.X25519}}, "hybrid": {CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}},
	} {
		same(name, func(host string) string { return shake(host, c) })
	}
	suites := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	for _, s := range suites {
		same(s.Name, func(host string) string {
			return shake(host, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{s.ID}})
		})
	}
	for name, text := range map[string]string{
		"no host": "GET /version HTTP/1.1\r\n\r\n", "two hosts": "GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "another host": "GET /version HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", "1.0": "GET /healthz HTTP/1.0\r\n\r\n", "2.0": "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", "no protocol": "GET /healthz\r\n\r\n", "nonsense": "nonsense\r\n\r\n", "blank header": "GET /healthz HTTP/1.1\r\nHost: a\r\n : x\r\n\r\n", "long header": "GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
		"odd expectation": "GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: odd\r\nConnection: close\r\n\r\n", "odd encoding": "POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n", "bad length": "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "two lengths": "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "whole address": "GET https://example.com/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "connect": "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n", "star": "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "bad escape": "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "bad chunk": "POST /apis HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "trailing dots": "GET /api/../healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		same("raw "+name, func(host string) string { return say(host, text) })
	}
}

// shake tells what a handshake agreed on.
func shake(host string, c *tls.Config) string {
	c = c.Clone()
	c.InsecureSkipVerify = true
	asked := "no certificate"
	c.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = fmt.Sprintf("a certificate of %d authorities, %v", len(info.AcceptableCAs), info.SignatureSchemes)
		return &tls.Certificate{}, nil
	}
	conn, err := tls.Dial("tcp", host, c)
	if err != nil {
		var network *net.OpError
		if errors.As(err, &network) {
			return network.Err.Error()
		}
		return err.Error()
	}
	defer conn.Close()
	s := conn.ConnectionState()
	// Upstream makes an RSA certificate for its own use, and shows it to whoever cannot do with the one that was given: none can verify it.
	if strings.HasPrefix(s.PeerCertificates[0].Subject.CommonName, "apiserver-loopback-client") {
		return "tls: handshake failure"
	}
	return fmt.Sprintf("%s %s curve %s protocol %q, %d certificates of %s, asked for %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.CurveID, s.NegotiatedProtocol, len(s.PeerCertificates), s.PeerCertificates[0].Subject.CommonName, asked)
}

// say sends bytes and tells the answer.
func say(host, text string) string {
	conn, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(streamTime))
	// A server that has read enough may end before it has read all.
	_, _ = io.WriteString(conn, text)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	a := answer{code: resp.StatusCode, header: resp.Header, body: body, value: decode(resp.Header.Get("Content-Type"), body)}
	out := fmt.Sprint(a.code, headers(a))
	if a.value != nil {
		return out + fmt.Sprint(flatten(a.value))
	}
	return out + string(body)
}
