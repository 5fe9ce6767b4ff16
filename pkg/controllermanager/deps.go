package controllermanager

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
)

// deps is what one controller is built from.
type deps struct {
	manager   *Manager
	client    kubernetes.Interface
	rest      *rest.Config
	informers informers.SharedInformerFactory
	events    *recorder
	settings  *Settings
	queues    workqueue.MetricsProvider
	clock     clock.WithTicker
}

func (m *Manager) deps(e entry) (*deps, error) {
	client, err := m.cfg.Clients.Kubernetes(e.account)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	cfg, err := m.cfg.Clients.REST(e.account)
	if err != nil {
		return nil, fmt.Errorf("client configuration: %w", err)
	}
	d := &deps{manager: m, client: client, rest: cfg, informers: m.informers, settings: m.cfg.Settings, queues: m.queues, clock: m.cfg.Clock}
	source := e.source
	if source == "" {
		source = e.account
	}
	d.events = &recorder{source: v1.EventSource{Component: source}, sink: &typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")}}
	return d, nil
}

func (d *deps) metadata() (metadata.Interface, error) {
	return metadata.NewForConfig(unlimited(d.rest))
}

func (d *deps) discovery() (discovery.DiscoveryInterface, error) {
	return discovery.NewDiscoveryClientForConfig(unlimited(d.rest))
}

// unlimited lifts the client-side limit: fairness is the server's.
func unlimited(in *rest.Config) *rest.Config {
	out := rest.CopyConfig(in)
	out.QPS, out.Burst, out.RateLimiter = -1, 0, nil
	return out
}
