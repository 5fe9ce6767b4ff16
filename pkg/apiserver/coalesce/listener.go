package coalesce

import (
	"net"
	"time"
)

// probeEvery is how often the kernel asks a silent peer whether it lives. It is upstream's.
const probeEvery = 3 * time.Minute

// Listener makes the connections of l send in few system calls.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		// Whoever serves does this for connections it knows; it does not know ours. If it fails the first write will too.
		_ = tcp.SetKeepAlive(true)
		_ = tcp.SetKeepAlivePeriod(probeEvery)
	}
	return newConn(c), nil
}
