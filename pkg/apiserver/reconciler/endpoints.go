package reconciler

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// ports are those of this server.
func (r *Reconciler) ports() []v1.EndpointPort {
	return []v1.EndpointPort{{Name: "https", Port: int32(r.c.SecurePort), Protocol: v1.ProtocolTCP}}
}

// publish writes the living addresses into the Endpoints and the EndpointSlice. Its own is among them while the server runs,
// also when a slow store let its lease end.
func (r *Reconciler) publish(ctx context.Context, addresses []string, ports []v1.EndpointPort) error {
	if r.c.Leases != nil {
		living, err := r.c.Leases.List(ctx)
		if err != nil {
			return fmt.Errorf("listing the living servers: %w", err)
		}
		addresses = append(addresses, living...)
	}
	slices.Sort(addresses)
	return r.write(ctx, slices.Compact(addresses), ports)
}

// write publishes the addresses; without ports, those are kept that are there.
func (r *Reconciler) write(ctx context.Context, addresses []string, ports []v1.EndpointPort) error {
	ports, err := r.writeEndpoints(ctx, addresses, ports)
	if err != nil {
		return fmt.Errorf("endpoints: %w", err)
	}
	if err := r.writeSlice(ctx, addresses, ports); err != nil {
		return fmt.Errorf("endpoint slice: %w", err)
	}
	return nil
}

// unmirrored keeps the mirroring controller from writing a second slice.
var unmirrored = map[string]string{discoveryv1.LabelSkipMirror: "true"}

// writeEndpoints tells which ports it wrote.
func (r *Reconciler) writeEndpoints(ctx context.Context, addresses []string, ports []v1.EndpointPort) ([]v1.EndpointPort, error) {
	client := r.c.Client.CoreV1().Endpoints(metav1.NamespaceDefault)
	got, err := client.Get(ctx, serviceName, metav1.GetOptions{})
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return nil, err
	}
	if ports == nil {
		ports = r.ports()
		if !absent && len(got.Subsets) == 1 && len(got.Subsets[0].Ports) == len(ports) {
			ports = got.Subsets[0].Ports
		}
	}
	want := &v1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: serviceName, Namespace: metav1.NamespaceDefault, Labels: unmirrored}}
	if len(addresses) > 0 {
		s := v1.EndpointSubset{Ports: ports}
		for _, a := range addresses {
			s.Addresses = append(s.Addresses, v1.EndpointAddress{IP: a})
		}
		want.Subsets = []v1.EndpointSubset{s}
	}
	if absent {
		_, err = client.Create(ctx, want, metav1.CreateOptions{})
		return ports, err
	}
	if apiequality.Semantic.DeepEqual(got.Subsets, want.Subsets) && got.Labels[discoveryv1.LabelSkipMirror] == "true" {
		return ports, nil
	}
	now := got.DeepCopy()
	now.Subsets, now.Labels = want.Subsets, unmirrored
	_, err = client.Update(ctx, now, metav1.UpdateOptions{})
	return ports, err
}

func (r *Reconciler) writeSlice(ctx context.Context, addresses []string, ports []v1.EndpointPort) error {
	family := discoveryv1.AddressTypeIPv4
	if r.c.AdvertiseAddress.To4() == nil {
		family = discoveryv1.AddressTypeIPv6
	}
	want := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: serviceName, Namespace: metav1.NamespaceDefault, Labels: map[string]string{discoveryv1.LabelServiceName: serviceName},
		},
		AddressType: family,
	}
	for _, p := range ports {
		want.Ports = append(want.Ports, discoveryv1.EndpointPort{Name: ptr.To(p.Name), Port: ptr.To(p.Port), Protocol: ptr.To(p.Protocol), AppProtocol: p.AppProtocol})
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
