package coalesce

import (
	"bytes"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// most is how many bytes wait for a slow receiver, besides as many that are being sent; further writes are held up, as they are by the kernel.
	most = 32 << 10
	// large writes, in bytes, are worth a system call of their own: they are not copied.
	large = 8 << 10
	// grace is how long a connection that is closed goes on sending what was written before.
	grace = time.Second
)

// buffers are those in which nothing waits.
var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, most)) }}

// conn sends in the background. An error of sending is that of a later write.
type conn struct {
	net.Conn

	mu sync.Mutex
	// changed tells writers that there is room again, or never will be.
	changed sync.Cond
	// waiting is nil when nothing waits.
	waiting *bytes.Buffer
	// busy tells that somebody sends.
	busy bool
	err  error
	// passed is a deadline that has passed: writes are refused. What was written before still goes out, and then the connection below learns of it.
	passed time.Time
	// sent is closed when nobody sends any more; whoever closes the connection waits for it.
	sent chan struct{}
}

func newConn(inner net.Conn) *conn {
	c := &conn{Conn: inner}
	c.changed.L = &c.mu
	return c
}

// Write takes p to be sent.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.refusal() == nil && !c.room(len(p)) {
		c.changed.Wait()
	}
	if err := c.refusal(); err != nil {
		return 0, err
	}
	if !c.busy && len(p) >= large {
		return c.sendNow(p)
	}
	if c.waiting == nil {
		c.waiting = buffers.Get().(*bytes.Buffer)
	}
	_, _ = c.waiting.Write(p) // it never fails
	if !c.busy {
		c.busy = true
		go c.send()
	}
	return len(p), nil
}

// room tells that a write of n bytes need not wait.
func (c *conn) room(n int) bool {
	if c.waiting == nil {
		return !c.busy || n <= most
	}
	return c.waiting.Len()+n <= most
}

func (c *conn) refusal() error {
	if c.err == nil && !c.passed.IsZero() {
		return os.ErrDeadlineExceeded
	}
	return c.err
}

// sendNow sends p, and leaves to a goroutine what is written meanwhile. The mutex is held.
func (c *conn) sendNow(p []byte) (int, error) {
	c.busy = true
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.fail(err)
	if c.waiting != nil {
		go c.send()
	} else {
		c.rest()
	}
	return n, err
}

// send sends until nothing waits.
func (c *conn) send() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.waiting != nil {
		out := c.waiting
		c.waiting = nil
		c.changed.Broadcast()
		c.mu.Unlock()
		_, err := c.Conn.Write(out.Bytes())
		out.Reset()
		buffers.Put(out)
		c.mu.Lock()
		c.fail(err)
	}
	c.rest()
}

// fail ends the connection's use if there is an error. The mutex is held.
func (c *conn) fail(err error) {
	if err == nil {
		return
	}
	if c.err == nil {
		c.err = err
	}
	c.waiting = nil
	c.changed.Broadcast()
}

// rest is when nothing waits. The mutex is held.
func (c *conn) rest() {
	c.busy = false
	c.changed.Broadcast()
	if !c.passed.IsZero() {
		_ = c.Conn.SetWriteDeadline(c.passed)
	}
	if c.sent != nil {
		close(c.sent)
		c.sent = nil
	}
}

// SetWriteDeadline sets until when what is written must be sent. One that has passed already refuses writes, but does not keep back what was
// written before it: a TLS connection that is closed says so, and sets such a deadline.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy && !t.IsZero() && !t.After(time.Now()) {
		c.passed = t
		c.changed.Broadcast()
		return nil
	}
	c.passed = time.Time{}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets the deadline of reads and that of writes.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// Close sends what was written, for a second at most, and closes the connection.
func (c *conn) Close() error {
	select {
	case <-c.refuse():
	case <-time.After(grace):
	}
	return c.Conn.Close()
}

// refuse takes no more writes, and tells when those before are sent.
func (c *conn) refuse() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = net.ErrClosed
	}
	c.changed.Broadcast()
	sent := c.sent
	if sent == nil {
		sent = make(chan struct{})
	}
	if c.busy {
		c.sent = sent
	} else {
		close(sent)
	}
	return sent
}
