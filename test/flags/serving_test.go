package flags

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

// address is where the server listens.
func (w *world) address() string { return net.JoinHostPort(w.host, strconv.Itoa(w.port)) }

// shake is what a handshake agrees on.
func (w *world) shake(c *tls.Config) string {
	c.InsecureSkipVerify = true
	conn, err := (&tls.Dialer{Config: c}).Dial("tcp", w.address())
	if err != nil {
		return network(err)
	}
	defer conn.Close()
	s := conn.(*tls.Conn).ConnectionState()
	return fmt.Sprintf("%s %s %s %q %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.CurveID, s.NegotiatedProtocol, s.PeerCertificates[0].Subject.CommonName)
}

// presents is whom the certificate for a name is of.
func (w *world) presents(name string) string {
	s := strings.Fields(w.shake(&tls.Config{ServerName: name}))
	return s[len(s)-1]
}

// served writes certificates of the server's own.
func served(w *world) {
	a := newAuthority(w.t, "serving-ca")
	w.given["authority"] = a
	for _, name := range []string{"main", "named", "wild"} {
		w.present(name, name)
	}
}

func (w *world) present(file, name string) {
	a := w.given["authority"].(*authority)
	p := a.issue(w.t, name, nil, "127.0.0.1", map[string]string{"named": "named.example.org", "wild": "*.wild.example.org"}[file])
	w.write(w.t, file+".key", p.key)
	w.write(w.t, file+".crt", p.cert)
}

// suites are those of TLS 1.2 that the server takes.
func (w *world) suites() string {
	var out []string
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if strings.Contains(w.shake(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{s.ID}}), " ") && strings.HasPrefix(w.shake(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{s.ID}}), "TLS 1.2 "+s.Name) {
			out = append(out, s.Name)
		}
	}
	return strings.Join(out, " ")
}

// frames reads what the server says first over HTTP/2.
func (w *world) streams() string {
	conn, err := tls.Dial("tcp", w.address(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return err.Error()
	}
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(); err != nil {
		return err.Error()
	}
	frame, err := f.ReadFrame()
	if err != nil {
		return err.Error()
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		return fmt.Sprint(frame)
	}
	v, _ := settings.Value(http2.SettingMaxConcurrentStreams)
	return fmt.Sprint(v, " streams")
}

// connections are how many a client needs for many requests one after the other.
func (w *world) connections(requests int) int {
	n := 0
	transport := &http.Transport{
		TLSClientConfig: w.tls("admin"), ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			n++
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
	defer transport.CloseIdleConnections()
	w.server.mu.Lock()
	w.clients["counting"] = &http.Client{Transport: transport}
	w.server.mu.Unlock()
	for range requests {
		w.ask(request{door: "counting", path: "/version"})
	}
	return n
}

// sockets tells which options the server's listening socket has.
func (w *world) sockets() string {
	want := map[string]bool{}
	data, _ := os.ReadFile("/proc/net/tcp")
	local := fmt.Sprintf(":%04X", w.port)
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[1], local) && f[3] == "0A" {
			want["socket:["+f[9]+"]"] = true
		}
	}
	pid := w.Cmd.Process.Pid
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(handle)
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, l := range links {
		if to, _ := os.Readlink(l); !want[to] {
			continue
		}
		n, _ := strconv.Atoi(filepath.Base(l))
		fd, err := unix.PidfdGetfd(handle, n, 0)
		if err != nil {
			return err.Error()
		}
		defer unix.Close(fd)
		port, _ := unix.GetsockoptInt(fd, syscall.SOL_SOCKET, unix.SO_REUSEPORT)
		address, _ := unix.GetsockoptInt(fd, syscall.SOL_SOCKET, unix.SO_REUSEADDR)
		return fmt.Sprint("port shared ", port, " address shared ", address)
	}
	return "no socket"
}

// selfSigned are the names in a certificate that the server made for itself.
func (w *world) selfSigned() string {
	block, _ := pem.Decode([]byte(w.file("{{dir}}/certs/apiserver.crt")))
	if block == nil {
		return "none"
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err.Error()
	}
	slices.Sort(c.DNSNames)
	var ips []string
	for _, ip := range c.IPAddresses {
		ips = append(ips, ip.String())
	}
	slices.Sort(ips)
	info, _ := os.Stat(filepath.Join(w.dir, "certs", "apiserver.key"))
	return fmt.Sprint(c.DNSNames, ips, c.NotAfter.Sub(c.NotBefore).Round(24*time.Hour), info != nil && info.Mode() == 0o600, strings.Split(w.presents("localhost"), "@")[0])
}

var servingEffects = []effect{
	{
		name:     "certificates",
		settings: settings{args: []string{"--tls-cert-file={{dir}}/main.crt", "--tls-private-key-file={{dir}}/main.key", "--tls-sni-cert-key={{dir}}/named.crt,{{dir}}/named.key", "--tls-sni-cert-key={{dir}}/wild.crt,{{dir}}/wild.key:other.example.org,*.more.example.org"}},
		before:   served,
		probes: []probe{
			{flag: "tls-cert-file, tls-private-key-file", see: func(w *world) string { return w.presents("") + " " + w.presents("kubernetes") }},
			{flag: "tls-sni-cert-key", see: func(w *world) string {
				return strings.Join([]string{w.presents("named.example.org"), w.presents("x.wild.example.org"), w.presents("other.example.org"), w.presents("a.more.example.org")}, " ")
			}},
			{flag: "tls-cert-file, tls-sni-cert-key, changed while running", see: func(w *world) string {
				if w.given["authority"] == nil {
					return w.presents("")
				}
				w.present("main", "main-2")
				w.present("named", "named-2")
				return w.until(100*time.Second, func() (string, bool) {
					text := w.presents("") + " " + w.presents("named.example.org") + " " + w.presents("other.example.org")
					return text, strings.Contains(text, "main-2 named-2")
				})
			}},
			{flag: "tls-cert-file, broken while running", see: func(w *world) string {
				if w.given["authority"] == nil {
					return w.presents("")
				}
				w.write(w.t, "main.crt", "nonsense")
				return w.until(patience, func() (string, bool) {
					told := strings.Contains(w.output(), "failed to find any PEM data")
					return fmt.Sprint("told: ", told, " ", w.presents(""), verdict(w.get("/version"))), told
				})
			}},
		},
	},
	{
		name: "new protocol", settings: settings{args: []string{"--tls-min-version=VersionTLS13"}},
		probes: []probe{{flag: "tls-min-version", see: func(w *world) string {
			return w.shake(&tls.Config{MaxVersion: tls.VersionTLS12}) + "; " + w.shake(&tls.Config{})
		}}},
	},
	{
		name: "old protocol", settings: settings{args: []string{"--tls-min-version=VersionTLS10"}},
		probes: []probe{{flag: "tls-min-version, old", see: func(w *world) string {
			return w.shake(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}) + "; " + w.shake(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		}}},
	},
	{
		name: "few suites", settings: settings{args: []string{"--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"}},
		probes: []probe{{flag: "tls-cipher-suites", see: func(w *world) string {
			return w.suites() + "; " + w.shake(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
		}}},
	},
	{
		name: "few curves", settings: settings{args: []string{"--tls-curve-preferences=24", "--tls-curve-preferences=23"}},
		probes: []probe{{flag: "tls-curve-preferences", see: func(w *world) string {
			var out []string
			for _, c := range []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519MLKEM768} {
				out = append(out, w.shake(&tls.Config{CurvePreferences: []tls.CurveID{c}}))
			}
			return strings.Join(out, "; ")
		}}},
	},
	{
		name: "made certificates", settings: settings{args: []string{"!tls-cert-file", "!tls-private-key-file", "--cert-dir={{dir}}/certs", "--advertise-address=203.0.113.5"}},
		probes: []probe{{flag: "cert-dir", see: func(w *world) string { return w.selfSigned() }}},
	},
	{
		name: "another address", settings: settings{args: []string{"--bind-address=127.0.0.2"}, host: "127.0.0.2"},
		probes: []probe{{flag: "bind-address, secure-port", see: func(w *world) string {
			var out []string
			for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
				conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(w.port)))
				out = append(out, host+": "+network(err))
				if err == nil {
					conn.Close()
				}
			}
			return strings.Join(out, " ")
		}}},
	},
	{
		name: "one protocol", settings: settings{args: []string{"--disable-http2-serving"}},
		probes: []probe{{flag: "disable-http2-serving", see: func(w *world) string {
			return w.shake(&tls.Config{NextProtos: []string{"h2", "http/1.1"}}) + w.shake(&tls.Config{NextProtos: []string{"h2"}})
		}}},
	},
	{
		name: "few streams", settings: settings{args: []string{"--http2-max-streams-per-connection=7", "--permit-port-sharing", "--permit-address-sharing"}},
		probes: []probe{
			{flag: "http2-max-streams-per-connection", see: func(w *world) string { return w.streams() }},
			{flag: "permit-port-sharing", see: func(w *world) string { return w.sockets() }},
		},
	},
	{
		name: "headers", settings: settings{args: []string{`--cors-allowed-origins=^https://good\.example$,//local$`, "--strict-transport-security-directives=max-age=31536000,includeSubDomains,preload", "--goaway-chance=0.02"}},
		probes: []probe{
			{flag: "cors-allowed-origins", see: func(w *world) string {
				var out []string
				for _, origin := range []string{"https://good.example", "https://good.example.org", "https://bad.example", "http://local"} {
					for _, method := range []string{"GET", "OPTIONS"} {
						r := w.ask(request{method: method, path: "/version", header: map[string]string{"Origin": origin, "Access-Control-Request-Method": "GET"}})
						out = append(out, fmt.Sprint(method, " ", origin, ": ", r.code, " ", names(r, "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Access-Control-Allow-Credentials")))
					}
				}
				return strings.Join(out, "\n")
			}},
			{flag: "strict-transport-security-directives", see: func(w *world) string { return names(w.get("/version"), "Strict-Transport-Security") }},
			{flag: "goaway-chance", see: func(w *world) string { return fmt.Sprint("asked to go: ", w.connections(500) > 1) }},
		},
	},
	{
		name: "debugging", settings: settings{args: []string{"--profiling=false", "--contention-profiling", "--debug-socket-path={{short}}/debug"}},
		probes: []probe{
			{flag: "profiling", see: func(w *world) string {
				return verdict(w.get("/debug/pprof/")) + verdict(w.get("/debug/flags/v")) + verdict(w.ask(request{method: "PUT", path: "/debug/flags/v", body: "3"}))
			}},
			{flag: "debug-socket-path", see: func(w *world) string {
				c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.short, "debug"))
				}}}
				var out []string
				for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/flags/v", "/healthz", "/metrics"} {
					resp, err := c.Get("http://debug" + path)
					if err != nil {
						return "no socket"
					}
					resp.Body.Close()
					out = append(out, fmt.Sprint(path, resp.StatusCode))
				}
				return strings.Join(out, " ")
			}},
		},
	},
	{
		name: "no debugging", settings: settings{args: []string{"--contention-profiling"}},
		probes: []probe{
			{flag: "contention-profiling", see: func(w *world) string {
				var all sync.WaitGroup
				for range 50 {
					all.Add(1)
					go func() { defer all.Done(); w.get("/api/v1/namespaces") }()
				}
				all.Wait()
				// The profile is empty where nobody counts.
				text := w.get("/debug/pprof/block?debug=1").body
				return fmt.Sprint("counted: ", regexp.MustCompile(`(?m)^\d+ \d+ @`).MatchString(text))
			}},
		},
	},
	{
		name: "verbosity while running", settings: settings{args: []string{"--v=4"}},
		probes: []probe{
			{flag: "v", see: func(w *world) string {
				w.get("/version?sign=first-of-v")
				return w.until(2*time.Second, func() (string, bool) {
					seen := strings.Contains(w.output(), "first-of-v")
					return fmt.Sprint("requests are logged: ", seen), seen
				})
			}},
			{flag: "v, changed by /debug/flags/v", see: func(w *world) string {
				change := func(v string) string {
					return w.ask(request{method: "PUT", path: "/debug/flags/v", body: v, contentType: "text/plain"}).String()
				}
				text := change("0") + change("x")
				w.get("/version?sign=second-of-v")
				text += change("4")
				w.get("/version?sign=third-of-v")
				// The second would stand before it.
				text += w.until(patience/4, func() (string, bool) {
					log := w.output()
					third := strings.Contains(log, "third-of-v")
					return fmt.Sprint(strings.Contains(log, "second-of-v"), third), third
				})
				// Others use this server, too.
				if !strings.Contains(w.output(), "first-of-v") {
					change("0")
				}
				return text + fmt.Sprint(strings.Contains(w.output(), "first-of-v"))
			}},
		},
	},
}
