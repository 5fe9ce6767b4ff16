package service

import (
	"context"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/util/dryrun"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	rules "tiphys.dev/apirules/core/service"

	"tiphys.dev/tiphys/pkg/registry/core/service/ipalloc"
	"tiphys.dev/tiphys/pkg/registry/core/service/portalloc"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Config is what services need beside the store.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	// Ranges are the configured cluster IP ranges, the primary family first.
	Ranges []net.IPNet
	// NodePorts is where node ports come from.
	NodePorts utilnet.PortRange
	// Transport reaches the pods behind services.
	Transport http.RoundTripper
}

// Services are the storage and the work that goes on behind it.
type Services struct {
	Storage stored.Storage
	ips     *ipalloc.Allocator
	ports   *portalloc.Allocator
	client  kubernetes.Interface
}

// New makes the storage of services.
func New(getter generic.RESTOptionsGetter, c Config) (*Services, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	ports, err := portalloc.New(getter, c.NodePorts)
	if err != nil {
		return nil, err
	}
	ips := ipalloc.New(ipalloc.Config{Client: c.Client, Informers: c.Informers, Ranges: c.Ranges})
	a := &allocation{ips: ips, ports: ports, families: familiesOf(c.Ranges)}
	main.BeginCreate = a.beginCreate
	main.BeginUpdate = a.beginUpdate
	main.AfterDelete = a.afterDelete
	main.Decorator = decorate(a.families)
	// Status updates never touch addresses or ports.
	status := *main.Store
	status.BeginCreate, status.BeginUpdate = nil, nil
	s["services/status"] = resource.NewStatus(&stored.REST{Store: &status})
	s["services/proxy"] = &ProxyREST{services: main.Store, client: c.Client, transport: c.Transport}
	c.Informers.Discovery().V1().EndpointSlices().Informer()
	return &Services{Storage: s, ips: ips, ports: ports, client: c.Client}, nil
}

// repairInterval is how often records and services are compared.
const repairInterval = 3 * time.Minute

// Repair brings the records of addresses and ports together with the services, first at once and then now and then, until ctx
// ends. ready is called after the first time it succeeded.
func (s *Services) Repair(ctx context.Context, ready func()) {
	first := true
	pause := time.Second
	for {
		if err := s.repair(ctx); err != nil {
			klog.V(2).InfoS("Repairing cluster IPs and node ports failed, trying again", "err", err)
		} else {
			if first {
				first = false
				ready()
			}
			pause = repairInterval
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// KeepServiceCIDR keeps the ServiceCIDR of the configured ranges until ctx ends.
func (s *Services) KeepServiceCIDR(ctx context.Context) error { return s.ips.KeepCIDR(ctx) }

func (s *Services) repair(ctx context.Context) error {
	list, err := s.client.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if err := s.ips.Repair(ctx, list.Items); err != nil {
		return err
	}
	var used []int
	for i := range list.Items {
		for _, p := range nodePorts(&list.Items[i]) {
			used = append(used, p.number)
		}
	}
	return s.ports.Repair(ctx, used)
}

type allocation struct {
	ips      *ipalloc.Allocator
	ports    *portalloc.Allocator
	families []corev1.IPFamily
}

func (a *allocation) beginCreate(ctx context.Context, obj runtime.Object, options *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
	svc := obj.(*corev1.Service)
	normalize(svc, nil)
	if errs := rules.ValidateClusterIPs(svc, nil); len(errs) > 0 {
		return nil, apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Service").GroupKind(), svc.Name, errs)
	}
	t, err := a.settle(ctx, svc, nil, dryrun.IsDryRun(options.DryRun))
	if err != nil {
		return nil, err
	}
	return t.finish, nil
}

func (a *allocation) beginUpdate(ctx context.Context, obj, oldObj runtime.Object, options *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
	svc, old := obj.(*corev1.Service), oldObj.(*corev1.Service)
	keep(svc, old)
	normalize(svc, old)
	if errs := rules.ValidateClusterIPs(svc, old); len(errs) > 0 {
		return nil, apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Service").GroupKind(), svc.Name, errs)
	}
	t, err := a.settle(ctx, svc, old, dryrun.IsDryRun(options.DryRun))
	if err != nil {
		return nil, err
	}
	return t.finish, nil
}

func (a *allocation) afterDelete(obj runtime.Object, options *metav1.DeleteOptions) {
	if options != nil && dryrun.IsDryRun(options.DryRun) {
		return
	}
	svc := obj.(*corev1.Service)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if hasClusterIP(svc) && !headless(svc) {
		a.ips.Release(ctx, svc.Spec.ClusterIPs...)
	}
	for _, p := range nodePorts(svc) {
		a.ports.Release(ctx, p.number)
	}
}

type nodePort struct {
	number   int
	protocol corev1.Protocol
}

// nodePorts returns the distinct node ports of the service; two protocols may share one number.
func nodePorts(s *corev1.Service) []nodePort {
	var out []nodePort
	seen := map[int]bool{}
	for _, p := range s.Spec.Ports {
		if n := int(p.NodePort); n != 0 && !seen[n] {
			seen[n] = true
			out = append(out, nodePort{n, p.Protocol})
		}
	}
	if n := int(s.Spec.HealthCheckNodePort); n != 0 && !seen[n] {
		out = append(out, nodePort{n, corev1.ProtocolTCP})
	}
	return out
}
