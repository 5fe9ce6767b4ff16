// Package load puts an API server under load and times what it does. The client
// is kept cheap, as it shares the machine with the server: answers to lists and watches are
// counted, not decoded.
package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const protobuf = "application/vnd.kubernetes.protobuf"

// Client is one client with a connection of its own.
type Client struct {
	Typed *kubernetes.Clientset
	http  *http.Client
	host  string
}

// NewClient connects as cfg says.
func NewClient(cfg *rest.Config) (*Client, error) {
	c := rest.CopyConfig(cfg)
	c.QPS = -1
	c.ContentType = protobuf
	// A dial function of its own keeps client-go from sharing one connection among clients.
	c.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	h, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, err
	}
	typed, err := kubernetes.NewForConfigAndClient(c, h)
	if err != nil {
		return nil, err
	}
	return &Client{Typed: typed, http: h, host: c.Host}, nil
}

// NewClients makes n of them.
func NewClients(cfg *rest.Config, n int) ([]*Client, error) {
	var out []*Client
	for range n {
		c, err := NewClient(cfg)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Result of one kind of work.
type Result struct {
	Took      time.Duration
	Latencies []time.Duration
}

// Rate is how many a second.
func (r Result) Rate() float64 { return float64(len(r.Latencies)) / r.Took.Seconds() }

// Do spreads n calls over the clients. The first error ends it.
func Do(ctx context.Context, clients []*Client, n int, call func(ctx context.Context, c *Client, i int) error) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	latencies := make([]time.Duration, n)
	var group sync.WaitGroup
	start := time.Now()
	for _, c := range clients {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				began := time.Now()
				if err := call(ctx, c, i); err != nil {
					cancel(fmt.Errorf("call %d: %w", i, err))
					return
				}
				latencies[i] = time.Since(began)
			}
		})
	}
	group.Wait()
	return Result{time.Since(start), latencies}, context.Cause(ctx)
}

// Get reads a path to its end and returns how long the answer was.
func (c *Client) Get(ctx context.Context, path string) (int64, error) {
	body, err := c.open(ctx, path, protobuf)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return io.Copy(io.Discard, body)
}

// ErrRefused is what a server says that has too much to do at this time.
var ErrRefused = errors.New("too many requests")

func (c *Client) open(ctx context.Context, path, accept string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		if resp.StatusCode == http.StatusTooManyRequests {
			return nil, fmt.Errorf("GET %s: %w: %s", path, ErrRefused, text)
		}
		return nil, fmt.Errorf("GET %s: %s: %s", path, resp.Status, text)
	}
	return resp.Body, nil
}

// Watch counts n events of a path and calls ready when the server has begun to answer, event at each. A server ends the
// watches that it cannot deliver fast enough; as any client would, this one then goes on after the last event it has.
func (c *Client) Watch(ctx context.Context, path string, n int, ready func(), event func(i int)) error {
	seen, last, spare := 0, []byte(nil), []byte(nil)
	for seen < n {
		from := path
		if last != nil {
			version, err := resourceVersion(last)
			if err != nil {
				return fmt.Errorf("event %d of %d: %w", seen, n, err)
			}
			from += "&resourceVersion=" + version
		}
		body, err := c.open(ctx, from, protobuf+";stream=watch")
		if err != nil {
			return err
		}
		if ready != nil {
			ready()
			ready = nil
		}
		for seen < n {
			// The server may end the watch within an event, too; the one before must still be there then.
			if spare, err = readFrame(body, spare); err != nil {
				break
			}
			last, spare = spare, last
			event(seen)
			seen++
		}
		_ = body.Close()
		if err != nil && (!(errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) || len(last) == 0) {
			return fmt.Errorf("event %d of %d: %w", seen, n, err)
		}
	}
	return nil
}

// readFrame reads one event into buf, or a larger one.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return buf, err
	}
	size := int(binary.BigEndian.Uint32(length[:]))
	if size > 64<<20 {
		return buf, errors.New("the stream is not framed as expected")
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	_, err := io.ReadFull(r, buf)
	return buf, err
}

// resourceVersion of the object in an event.
func resourceVersion(frame []byte) (string, error) {
	var envelope runtime.Unknown
	var e metav1.WatchEvent
	var object metav1.PartialObjectMetadata
	magic := []byte("k8s\x00")
	// The event itself is bare, only the object in it has an envelope.
	if err := e.Unmarshal(frame); err != nil {
		return "", fmt.Errorf("reading an event: %w", err)
	}
	if err := envelope.Unmarshal(bytes.TrimPrefix(e.Object.Raw, magic)); err != nil {
		return "", err
	}
	// Every object begins with its metadata.
	if err := object.Unmarshal(envelope.Raw); err != nil {
		return "", err
	}
	return object.ResourceVersion, nil
}
