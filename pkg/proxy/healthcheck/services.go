package healthcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Listen opens a port. net.ListenConfig's is the usual one.
type Listen func(ctx context.Context, address string) (net.Listener, error)

// Services serves the health check node ports.
type Services struct {
	listen  Listen
	healthy func() bool
	hosts   func() []string

	mu      sync.RWMutex
	servers map[types.NamespacedName]*server
	counts  map[types.NamespacedName]int
}

type server struct {
	port uint16
	http *http.Server
}

// NewServices returns a server without ports. healthy is the proxy's own health;
// hosts returns the addresses to listen on, the empty string for all.
func NewServices(listen Listen, hosts func() []string, healthy func() bool) *Services {
	return &Services{listen: listen, hosts: hosts, healthy: healthy,
		servers: map[types.NamespacedName]*server{}, counts: map[types.NamespacedName]int{}}
}

// Port is one service's wish.
type Port struct {
	Port           uint16
	LocalEndpoints int
}

// Set makes the served ports the given ones. A port that cannot be opened is
// reported and tried again with the next call.
func (s *Services) Set(ctx context.Context, want map[types.NamespacedName]Port) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, srv := range s.servers {
		if want[name].Port != srv.port {
			srv.http.Close()
			delete(s.servers, name)
		}
	}
	clear(s.counts)
	var errs []error
	for name, w := range want {
		s.counts[name] = w.LocalEndpoints
		if s.servers[name] != nil {
			continue
		}
		if err := s.open(ctx, name, w.Port); err != nil {
			errs = append(errs, fmt.Errorf("health check of service %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Services) open(ctx context.Context, name types.NamespacedName, port uint16) error {
	var listeners []net.Listener
	for _, host := range s.hosts() {
		l, err := s.listen(ctx, net.JoinHostPort(host, strconv.Itoa(int(port))))
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return err
		}
		listeners = append(listeners, l)
	}
	srv := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { s.serve(w, name) }),
		ReadHeaderTimeout: 10 * time.Second,
	}
	for _, l := range listeners {
		go srv.Serve(l) //nolint:errcheck // ends with Close
	}
	s.servers[name] = &server{port: port, http: srv}
	return nil
}

// Close closes all ports.
func (s *Services) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, srv := range s.servers {
		srv.http.Close()
		delete(s.servers, name)
	}
}

func (s *Services) serve(w http.ResponseWriter, name types.NamespacedName) {
	s.mu.RLock()
	count := s.counts[name]
	s.mu.RUnlock()
	healthy := s.healthy()
	w.Header().Set("X-Load-Balancing-Endpoint-Weight", strconv.Itoa(count))
	code := http.StatusOK
	if count == 0 || !healthy {
		code = http.StatusServiceUnavailable
	}
	type service struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	data, err := json.MarshalIndent(struct {
		Service             service `json:"service"`
		LocalEndpoints      int     `json:"localEndpoints"`
		ServiceProxyHealthy bool    `json:"serviceProxyHealthy"`
	}{service{name.Namespace, name.Name}, count, healthy}, "", "\t")
	write(w, code, data, err)
}
