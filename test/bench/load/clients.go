// Package load puts an API server under load and times what it does. The client
// is kept cheap, as it shares the machine with the server: answers are counted, not decoded.
package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	protobufserializer "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

const protobuf = "application/vnd.kubernetes.protobuf"

// Client is one client with a connection of its own.
type Client struct {
	Typed *kubernetes.Clientset
	http  *http.Client
	tls   *tls.Config
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
	secrets, err := rest.TLSConfigFor(c)
	if err != nil {
		return nil, err
	}
	return &Client{Typed: typed, http: h, tls: secrets, host: c.Host}, nil
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

// Create posts an object.
func (c *Client) Create(ctx context.Context, path string, object runtime.Object) error {
	var body bytes.Buffer
	if err := encoder.Encode(object, &body); err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, protobuf, body.Bytes())
}

// Patch sends a merge patch.
func (c *Client) Patch(ctx context.Context, path string, patch []byte) error {
	return c.send(ctx, http.MethodPatch, path, string(types.MergePatchType), patch)
}

// encoder writes what has its kind set.
var encoder = protobufserializer.NewSerializer(scheme.Scheme, scheme.Scheme)

// send changes something.
func (c *Client) send(ctx context.Context, method, path, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, c.host+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", protobuf)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
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

// versionQuery is where a path says at which version to begin.
var versionQuery = regexp.MustCompile(`&resourceVersion=\d+`)

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
