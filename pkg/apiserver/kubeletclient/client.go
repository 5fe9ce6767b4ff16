package kubeletclient

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// Config says how to reach kubelets.
type Config struct {
	// Port is used where the node does not name one in its status.
	Port int
	// CAFile verifies kubelets; empty takes any certificate.
	CAFile string
	// CertFile and KeyFile identify the API server.
	CertFile, KeyFile string
	// AddressTypes are tried in order.
	AddressTypes []string
	// StreamBytesPerSecond slows each stream of a user down to that; 0 does not.
	StreamBytesPerSecond int64
}

// NewConfig returns the defaults of upstream's flags.
func NewConfig() Config {
	return Config{
		Port:         10250,
		AddressTypes: []string{"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"},
	}
}

// Nodes finds the node whose kubelet is to be reached.
type Nodes func(ctx context.Context, name string) (*v1.Node, error)

// Connection is how to reach one kubelet.
type Connection struct {
	Scheme, Host, Port string
	// Transport verifies the kubelet; InsecureTransport does not.
	Transport, InsecureTransport http.RoundTripper
	// StreamBytesPerSecond is as in Config.
	StreamBytesPerSecond int64
}

// URL returns the kubelet's base URL with the path.
func (c *Connection) URL(path, rawQuery string) *url.URL {
	return &url.URL{Scheme: c.Scheme, Host: net.JoinHostPort(c.Host, c.Port), Path: path, RawQuery: rawQuery}
}

// Client finds kubelets.
type Client struct {
	config              Config
	nodes               Nodes
	types               []v1.NodeAddressType
	transport, insecure http.RoundTripper
}

// New makes a client; dial, when not nil, opens the connections.
func New(c Config, nodes Nodes, dial utilnet.DialFunc) (*Client, error) {
	base := rest.Config{TLSClientConfig: rest.TLSClientConfig{CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, Insecure: c.CAFile == ""}}
	if dial != nil {
		base.Dial = dial
	}
	verified, err := newTransport(&base)
	if err != nil {
		return nil, fmt.Errorf("building the transport to kubelets: %w", err)
	}
	loose := base
	loose.TLSClientConfig.Insecure, loose.TLSClientConfig.CAFile = true, ""
	insecure, err := newTransport(&loose)
	if err != nil {
		return nil, fmt.Errorf("building the transport to kubelets: %w", err)
	}
	client := &Client{config: c, nodes: nodes, transport: verified, insecure: insecure}
	for _, t := range c.AddressTypes {
		client.types = append(client.types, v1.NodeAddressType(t))
	}
	return client, nil
}

func newTransport(c *rest.Config) (http.RoundTripper, error) {
	tc, err := c.TransportConfig()
	if err != nil {
		return nil, err
	}
	return transport.New(tc)
}

// Connect finds the kubelet of the node.
func (c *Client) Connect(ctx context.Context, name types.NodeName) (*Connection, error) {
	node, err := c.nodes(ctx, string(name))
	if err != nil {
		return nil, err
	}
	host, err := c.address(node)
	if err != nil {
		return nil, err
	}
	port := int(node.Status.DaemonEndpoints.KubeletEndpoint.Port)
	if port <= 0 {
		port = c.config.Port
	}
	return &Connection{
		Scheme: "https", Host: host, Port: strconv.Itoa(port), Transport: c.transport, InsecureTransport: c.insecure,
		StreamBytesPerSecond: c.config.StreamBytesPerSecond,
	}, nil
}

// address returns the node's first address of the most preferred type it has.
func (c *Client) address(node *v1.Node) (string, error) {
	for _, t := range c.types {
		for _, a := range node.Status.Addresses {
			if a.Type == t {
				return a.Address, nil
			}
		}
		// The hostname label serves where the status does not list the hostname.
		if t == v1.NodeHostName && node.Labels[v1.LabelHostname] != "" {
			return node.Labels[v1.LabelHostname], nil
		}
	}
	return "", fmt.Errorf("no preferred addresses found; known addresses: %v", node.Status.Addresses)
}
