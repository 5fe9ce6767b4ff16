package cri

import (
	"context"
	"fmt"
	"time"

	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	remote "k8s.io/cri-client/pkg"
)

// Config says where the runtime is.
type Config struct {
	// Endpoint is the runtime service, e.g. unix:///run/containerd/containerd.sock.
	Endpoint string
	// ImageEndpoint is the image service; empty means Endpoint.
	ImageEndpoint string
	// Timeout bounds every call but the long ones (pull, exec, stop). 0 means two minutes.
	Timeout time.Duration
	// ConnectTimeout bounds the wait for a runtime that is just starting. 0 means one minute.
	ConnectTimeout time.Duration
}

// Client is the connection: the published runtime and image service interfaces.
type Client struct {
	Runtime internalapi.RuntimeService
	Images  internalapi.ImageManagerService

	version *runtimeapi.VersionResponse
}

// Connect dials the runtime and waits until it answers.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Endpoint == "" {
		return nil, fmt.Errorf("connecting to the container runtime: no endpoint given (containerRuntimeEndpoint or --container-runtime-endpoint)")
	}
	if cfg.ImageEndpoint == "" {
		cfg.ImageEndpoint = cfg.Endpoint
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Minute
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = time.Minute
	}
	deadline := time.Now().Add(cfg.ConnectTimeout)
	for {
		c, err := dial(ctx, cfg)
		if err == nil {
			return c, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, fmt.Errorf("connecting to the container runtime at %s: %w", cfg.Endpoint, err)
		}
		// A runtime that is starting has no socket yet, and a socket has no event to wait for before it exists.
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func dial(ctx context.Context, cfg Config) (*Client, error) {
	runtime, err := remote.NewRemoteRuntimeService(ctx, cfg.Endpoint, cfg.Timeout, nil, false)
	if err != nil {
		return nil, err
	}
	images, err := remote.NewRemoteImageService(ctx, cfg.ImageEndpoint, cfg.Timeout, nil, false)
	if err != nil {
		_ = runtime.Close(ctx)
		return nil, err
	}
	version, err := runtime.Version(ctx, "")
	if err != nil {
		_ = runtime.Close(ctx)
		_ = images.Close(ctx)
		return nil, err
	}
	return &Client{Runtime: runtime, Images: images, version: version}, nil
}

// RuntimeName is the runtime's own name, the scheme of container IDs in the API ("containerd").
func (c *Client) RuntimeName() string { return c.version.RuntimeName }

// RuntimeVersion is name://version as node status shows it.
func (c *Client) RuntimeVersion() string {
	return c.version.RuntimeName + "://" + c.version.RuntimeVersion
}

// Close ends the connections.
func (c *Client) Close(ctx context.Context) error {
	err := c.Runtime.Close(ctx)
	if e := c.Images.Close(ctx); err == nil {
		err = e
	}
	return err
}
