package reconciler

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
)

// Config says what to publish.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	// Type is "lease", or "none" to leave the endpoints alone.
	Type string
	// Leases tells which servers live; nil means that this server is the only one.
	Leases           Leases
	AdvertiseAddress net.IP
	SecurePort       int
	// ServiceRanges are the cluster IP ranges; the Service takes the first address of the first.
	ServiceRanges []net.IPNet
	// NodePort, when not zero, also opens the Service on the nodes.
	NodePort int
	ServerID string
	Clock    clock.Clock
}

// Leases are the living servers' signs.
type Leases interface {
	// Renew says that the server at the address lives.
	Renew(ctx context.Context, address string) error
	// List returns the addresses of the living.
	List(ctx context.Context) ([]string, error)
	// Remove takes the address out.
	Remove(ctx context.Context, address string) error
}

const (
	serviceName = "kubernetes"
	// interval is how often a server renews its lease and repairs what others changed.
	interval = 10 * time.Second
)

// Reconciler keeps the Service and its endpoints.
type Reconciler struct{ c Config }

// New makes a reconciler.
func New(c Config) (*Reconciler, error) {
	if c.AdvertiseAddress == nil || c.SecurePort == 0 || len(c.ServiceRanges) == 0 {
		return nil, fmt.Errorf("the address to advertise, the port and the service range must be known")
	}
	return &Reconciler{c}, nil
}

// Run works until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	wait := 100 * time.Millisecond
	for {
		err := r.sync(ctx)
		switch {
		case err == nil:
			wait = interval
		case ctx.Err() != nil:
			return
		default:
			klog.V(2).InfoS("Publishing the endpoints of the API servers failed, trying again", "err", err)
			wait = min(2*wait, interval)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.c.Clock.After(wait):
		}
	}
}

// Stop takes this server's address out of the endpoints.
func (r *Reconciler) Stop(ctx context.Context) error {
	if r.c.Type != "lease" || r.c.Leases == nil {
		return nil
	}
	if err := r.c.Leases.Remove(ctx, r.c.AdvertiseAddress.String()); err != nil {
		return err
	}
	return r.publish(ctx, nil)
}

func (r *Reconciler) sync(ctx context.Context) error {
	if err := r.ensureService(ctx); err != nil {
		return fmt.Errorf("service %s: %w", serviceName, err)
	}
	if r.c.Type != "lease" {
		return nil
	}
	if r.c.Leases != nil {
		if err := r.c.Leases.Renew(ctx, r.c.AdvertiseAddress.String()); err != nil {
			return fmt.Errorf("renewing the lease: %w", err)
		}
	}
	return r.publish(ctx, []string{r.c.AdvertiseAddress.String()})
}

func (r *Reconciler) ensureService(ctx context.Context) error {
	services := r.c.Client.CoreV1().Services(metav1.NamespaceDefault)
	port := v1.ServicePort{Name: "https", Protocol: v1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(int32(r.c.SecurePort))}
	kind := v1.ServiceTypeClusterIP
	if r.c.NodePort > 0 {
		kind, port.NodePort = v1.ServiceTypeNodePort, int32(r.c.NodePort)
	}
	got, err := services.Get(ctx, serviceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		first, err := ServiceIP(r.c.ServiceRanges[0])
		if err != nil {
			return err
		}
		ip := first.String()
		_, err = services.Create(ctx, &v1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: serviceName, Namespace: metav1.NamespaceDefault,
				Labels: map[string]string{"provider": "kubernetes", "component": "apiserver"},
			},
			Spec: v1.ServiceSpec{
				Ports: []v1.ServicePort{port}, ClusterIP: ip, Type: kind,
				SessionAffinity: v1.ServiceAffinityNone, IPFamilyPolicy: ptr.To(v1.IPFamilyPolicySingleStack),
			},
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if apiequality.Semantic.DeepEqual(got.Spec.Ports, []v1.ServicePort{port}) && got.Spec.Type == kind {
		return nil
	}
	now := got.DeepCopy()
	now.Spec.Ports, now.Spec.Type = []v1.ServicePort{port}, kind
	_, err = services.Update(ctx, now, metav1.UpdateOptions{})
	return err
}

// publish writes the living addresses into the Endpoints and the EndpointSlice. Its own is among them while the server runs,
// also when a slow store let its lease end.
func (r *Reconciler) publish(ctx context.Context, addresses []string) error {
	if r.c.Leases != nil {
		living, err := r.c.Leases.List(ctx)
		if err != nil {
			return fmt.Errorf("listing the living servers: %w", err)
		}
		addresses = append(addresses, living...)
	}
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)
	if err := r.writeEndpoints(ctx, addresses); err != nil {
		return fmt.Errorf("endpoints: %w", err)
	}
	if err := r.writeSlice(ctx, addresses); err != nil {
		return fmt.Errorf("endpoint slice: %w", err)
	}
	return nil
}

// unmirrored keeps the mirroring controller from writing a second slice.
var unmirrored = map[string]string{discoveryv1.LabelSkipMirror: "true"}

func (r *Reconciler) writeEndpoints(ctx context.Context, addresses []string) error {
	want := &v1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: serviceName, Namespace: metav1.NamespaceDefault, Labels: unmirrored}}
	if len(addresses) > 0 {
		s := v1.EndpointSubset{Ports: []v1.EndpointPort{{Name: "https", Port: int32(r.c.SecurePort), Protocol: v1.ProtocolTCP}}}
		for _, a := range addresses {
			s.Addresses = append(s.Addresses, v1.EndpointAddress{IP: a})
		}
		want.Subsets = []v1.EndpointSubset{s}
	}
	client := r.c.Client.CoreV1().Endpoints(metav1.NamespaceDefault)
	got, err := client.Get(ctx, serviceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, want, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	if apiequality.Semantic.DeepEqual(got.Subsets, want.Subsets) && got.Labels[discoveryv1.LabelSkipMirror] == "true" {
		return nil
	}
	now := got.DeepCopy()
	now.Subsets, now.Labels = want.Subsets, unmirrored
	_, err = client.Update(ctx, now, metav1.UpdateOptions{})
	return err
}

func (r *Reconciler) writeSlice(ctx context.Context, addresses []string) error {
	family := discoveryv1.AddressTypeIPv4
	if r.c.AdvertiseAddress.To4() == nil {
		family = discoveryv1.AddressTypeIPv6
	}
	want := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: serviceName, Namespace: metav1.NamespaceDefault, Labels: map[string]string{discoveryv1.LabelServiceName: serviceName},
		},
		AddressType: family,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("https"), Port: ptr.To(int32(r.c.SecurePort)), Protocol: ptr.To(v1.ProtocolTCP)}},
	}
	for _, a := range addresses {
		want.Endpoints = append(want.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{a}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	client := r.c.Client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault)
	got, err := client.Get(ctx, serviceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, want, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	if got.AddressType != family {
		// The family of a slice never changes; only a new one can have another.
		if err := client.Delete(ctx, serviceName, metav1.DeleteOptions{}); err != nil {
			return err
		}
		_, err = client.Create(ctx, want, metav1.CreateOptions{})
		return err
	}
	if apiequality.Semantic.DeepEqual(got.Endpoints, want.Endpoints) && apiequality.Semantic.DeepEqual(got.Ports, want.Ports) {
		return nil
	}
	now := got.DeepCopy()
	now.Endpoints, now.Ports, now.Labels = want.Endpoints, want.Ports, want.Labels
	_, err = client.Update(ctx, now, metav1.UpdateOptions{})
	return err
}

// ServiceIP returns the address of the "kubernetes" Service: the first of the range after the network's own.
func ServiceIP(n net.IPNet) (net.IP, error) {
	if ones, bits := n.Mask.Size(); bits-ones < 1 {
		return nil, fmt.Errorf("service range %s is too small", n.String())
	}
	ip := slices.Clone(n.IP.Mask(n.Mask))
	for i := len(ip) - 1; i >= 0; i-- {
		ip[i]++
		if ip[i] != 0 {
			break
		}
	}
	return ip, nil
}
