package netns

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// A node that was alone is moved to a switch while somebody talks to it, and a second node comes beside it.
func TestSwitchTakesOverAndKeepsConnections(t *testing.T) {
	first, second, hub := held(t), held(t), held(t)
	if err := hub.Release(); err != nil { // Ensure makes it
		t.Fatal(err)
	}
	link := netip.MustParsePrefix("10.98.251.0/24")
	node := func(n byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 98, 251, n}), 24) }
	w := Wiring{
		HostLink: fmt.Sprintf("ts%d", os.Getpid()%1e6), HostAddress: node(1), NodeAddress: node(2),
		Pods: netip.MustParsePrefix("10.98.249.0/24"), Services: netip.MustParsePrefix("10.98.250.0/24"),
	}
	t.Cleanup(func() { _ = Unwire(w.HostLink) })
	if err := first.Wire(w); err != nil {
		t.Fatal(err)
	}
	echo(t, first)
	talk := dial(t, node(2).Addr())
	say(t, talk, "before")

	s := Switch{Held: hub, HostLink: w.HostLink}
	w.Switched = true
	far := Wiring{HostLink: w.HostLink, Switched: true, NodeAddress: node(3), Pods: w.Pods, Services: w.Services}
	for range 2 { // harmless the second time
		if err := s.Ensure(); err != nil {
			t.Fatal(err)
		}
		for number, set := range map[int]Set{1: first, 2: second} {
			if err := s.Join(number, set); err != nil {
				t.Fatal(err)
			}
		}
		if err := first.Wire(w); err != nil {
			t.Fatal(err)
		}
		if err := second.Wire(far); err != nil {
			t.Fatal(err)
		}
		say(t, talk, "after")
	}
	echo(t, second)
	say(t, dial(t, node(3).Addr()), "the host and the second")
	// And between the nodes, past the host.
	err := first.DoNet(func() error {
		c, err := net.DialTimeout("tcp4", netip.AddrPortFrom(node(3).Addr(), echoPort).String(), 5*time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Errorf("from node to node: %v", err)
	}
	if err := RouteVia(w.HostLink, netip.MustParsePrefix("10.98.249.128/25"), node(3).Addr()); err != nil {
		t.Error(err)
	}
	prefixes, err := HostPrefixes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []netip.Prefix{link, w.Pods, w.Services, netip.MustParsePrefix("10.98.249.128/25")} {
		if prefixes[p] != w.HostLink {
			t.Errorf("route to %s on %q", p, prefixes[p])
		}
	}
}

const echoPort = 7007

// echo says again what it hears, on all addresses of the namespace.
func echo(t *testing.T, in Set) {
	t.Helper()
	var l net.Listener
	if err := in.DoNet(func() (err error) {
		l, err = net.Listen("tcp4", fmt.Sprintf(":%d", echoPort))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
}

func dial(t *testing.T, to netip.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp4", netip.AddrPortFrom(to, echoPort).String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, words string) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, words); err != nil {
		t.Fatalf("saying %q: %v", words, err)
	}
	got := make([]byte, len(words))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != words {
		t.Fatalf("said %q, heard %q, %v", words, got, err)
	}
}
