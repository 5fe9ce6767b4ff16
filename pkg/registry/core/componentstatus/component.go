package componentstatus

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
)

// Component is one whose health is asked for.
type Component struct {
	Name string
	// Check returns what the component says of itself, or why it is not well.
	Check func(ctx context.Context) (string, error)
}

// checkTimeout is how long a component may take to answer.
const checkTimeout = 20 * time.Second

// maxAnswer is how much of an answer is shown.
const maxAnswer = 10 << 10

// Daemon is a component on this machine that serves /healthz on the port. Its certificate is one it made itself, so nothing
// could verify it.
func Daemon(name string, port int) Component {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
	}}
	url := fmt.Sprintf("https://127.0.0.1:%d/healthz", port)
	return Component{Name: name, Check: func(ctx context.Context) (string, error) { return get(ctx, client, url) }}
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
	}
	return string(body), nil
}

// Stores are the stores of the API server, as etcd-0 and so on. They are connected to when somebody first asks.
func Stores(configs []storagebackend.Config) []Component {
	var out []Component
	for i, config := range configs {
		connect := sync.OnceValues(func() (factory.Prober, error) { return factory.CreateProber(config) })
		out = append(out, Component{Name: fmt.Sprintf("etcd-%d", i), Check: func(ctx context.Context) (string, error) {
			prober, err := connect()
			if err != nil {
				return "", err
			}
			if err := prober.Probe(ctx); err != nil {
				return "", err
			}
			return "ok", nil
		}})
	}
	return out
}
