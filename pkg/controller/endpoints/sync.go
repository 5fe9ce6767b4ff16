package endpoints

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	endpointslices "k8s.io/endpointslice"
	sliceutil "k8s.io/endpointslice/util"
	utilnet "k8s.io/utils/net"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

const (
	managedBy    = "endpoints.kubernetes.io/managed-by"
	managerName  = "endpoint-controller"
	maxAddresses = 1000
)

// Sync writes the Endpoints of one service.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	service, err := c.services.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return c.remove(ctx, key)
	}
	if err != nil {
		return err
	}
	if service.Spec.Selector == nil || service.Spec.Type == v1.ServiceTypeExternalName {
		return nil
	}
	pods, err := c.pods.Pods(key.Namespace).List(labels.Set(service.Spec.Selector).AsSelectorPreValidated())
	if err != nil {
		return err
	}
	subsets, cut := truncate(subsetsOf(service, pods))
	have, err := c.endpoints.Endpoints(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		have, err = &v1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: key.Name, Namespace: key.Namespace}}, nil
	}
	if err != nil {
		return err
	}
	want := *have
	want.Subsets, want.Labels, want.Annotations = subsets, labelsOf(service), annotationsOf(have, cut)
	if have.ResourceVersion != "" && equality.Semantic.DeepEqual(want.Subsets, have.Subsets) && maps.Equal(want.Labels, have.Labels) && maps.Equal(want.Annotations, have.Annotations) {
		return nil
	}
	if have.ResourceVersion == "" {
		_, err = c.client.CoreV1().Endpoints(key.Namespace).Create(ctx, &want, metav1.CreateOptions{})
	} else {
		_, err = c.client.CoreV1().Endpoints(key.Namespace).Update(ctx, &want, metav1.UpdateOptions{})
	}
	switch {
	case podcontrol.IsTerminating(err):
		return nil
	case apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err):
		return fmt.Errorf("writing endpoints: %w", worker.ErrNotYet)
	case err != nil:
		c.events.Eventf(service, v1.EventTypeWarning, "FailedToUpdateEndpoint", "Failed to update endpoint %v: %v", key, err)
		return fmt.Errorf("writing endpoints: %w", err)
	}
	return nil
}

// remove deletes what belonged to a service that is gone. Endpoints of others, who never had a service here, stay.
func (c *Controller) remove(ctx context.Context, key worker.Key) error {
	have, err := c.endpoints.Endpoints(key.Namespace).Get(key.Name)
	if err != nil || have.Labels[managedBy] != managerName {
		return nil
	}
	err = c.client.CoreV1().Endpoints(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &have.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting endpoints: %w", err)
	}
	return nil
}

func labelsOf(s *v1.Service) map[string]string {
	out := maps.Clone(s.Labels)
	if out == nil {
		out = map[string]string{}
	}
	out[managedBy] = managerName
	delete(out, v1.IsHeadlessService)
	if s.Spec.ClusterIP == v1.ClusterIPNone {
		out[v1.IsHeadlessService] = ""
	}
	return out
}

func annotationsOf(have *v1.Endpoints, cut bool) map[string]string {
	out := maps.Clone(have.Annotations)
	delete(out, v1.EndpointsOverCapacity)
	if cut {
		if out == nil {
			out = map[string]string{}
		}
		out[v1.EndpointsOverCapacity] = "truncated"
	}
	return out
}

// subsetsOf groups the pods by the ports they offer for the service.
func subsetsOf(s *v1.Service, pods []*v1.Pod) []v1.EndpointSubset {
	groups := map[string]*v1.EndpointSubset{}
	for _, p := range pods {
		ip := ipFor(s, p)
		if ip == "" || !sliceutil.ShouldPodBeInEndpoints(p, s.Spec.PublishNotReadyAddresses) {
			continue
		}
		ports := portsOf(s, p)
		if len(ports) == 0 && len(s.Spec.Ports) > 0 {
			continue
		}
		key := portKey(ports)
		g := groups[key]
		if g == nil {
			g = &v1.EndpointSubset{Ports: ports}
			groups[key] = g
		}
		a := v1.EndpointAddress{IP: ip, TargetRef: &v1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID}}
		if p.Spec.NodeName != "" {
			node := p.Spec.NodeName
			a.NodeName = &node
		}
		if sliceutil.ShouldSetHostname(p, s) {
			a.Hostname = p.Spec.Hostname
		}
		if s.Spec.PublishNotReadyAddresses || sliceutil.IsPodReady(p) {
			g.Addresses = append(g.Addresses, a)
		} else {
			g.NotReadyAddresses = append(g.NotReadyAddresses, a)
		}
	}
	var out []v1.EndpointSubset
	for _, key := range slices.Sorted(maps.Keys(groups)) { // always the same order: it must not look like a change
		g := groups[key]
		slices.SortFunc(g.Addresses, byIP)
		slices.SortFunc(g.NotReadyAddresses, byIP)
		out = append(out, *g)
	}
	return out
}

func byIP(a, b v1.EndpointAddress) int {
	return cmp.Or(cmp.Compare(a.IP, b.IP), cmp.Compare(a.TargetRef.UID, b.TargetRef.UID))
}

// ipFor picks the pod's address of the service's first family.
func ipFor(s *v1.Service, p *v1.Pod) string {
	v6 := utilnet.IsIPv6String(s.Spec.ClusterIP)
	if len(s.Spec.IPFamilies) > 0 {
		v6 = s.Spec.IPFamilies[0] == v1.IPv6Protocol
	}
	for _, ip := range p.Status.PodIPs {
		if utilnet.IsIPv6String(ip.IP) == v6 {
			return ip.IP
		}
	}
	return ""
}

func portsOf(s *v1.Service, p *v1.Pod) []v1.EndpointPort {
	var out []v1.EndpointPort
	for i := range s.Spec.Ports {
		sp := &s.Spec.Ports[i]
		n, err := endpointslices.FindPort(p, sp)
		if err != nil {
			continue // the pod has no port of that name
		}
		out = append(out, v1.EndpointPort{Name: sp.Name, Port: int32(n), Protocol: sp.Protocol, AppProtocol: sp.AppProtocol})
	}
	slices.SortFunc(out, func(a, b v1.EndpointPort) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port))
	})
	return out
}

func portKey(ports []v1.EndpointPort) string {
	var parts []string
	for _, p := range ports {
		parts = append(parts, fmt.Sprintf("%s %d %s", p.Name, p.Port, p.Protocol))
	}
	return strings.Join(parts, ",")
}

// truncate keeps the first thousand addresses, ready ones before others.
func truncate(subsets []v1.EndpointSubset) ([]v1.EndpointSubset, bool) {
	total, ready := 0, 0
	for _, s := range subsets {
		ready += len(s.Addresses)
		total += len(s.Addresses) + len(s.NotReadyAddresses)
	}
	if total <= maxAddresses {
		return subsets, false
	}
	left, leftNotReady := maxAddresses, max(0, maxAddresses-ready)
	var out []v1.EndpointSubset
	for _, s := range subsets {
		s.Addresses = s.Addresses[:min(len(s.Addresses), left)]
		left -= len(s.Addresses)
		s.NotReadyAddresses = s.NotReadyAddresses[:min(len(s.NotReadyAddresses), leftNotReady)]
		leftNotReady -= len(s.NotReadyAddresses)
		if len(s.Addresses)+len(s.NotReadyAddresses) > 0 {
			out = append(out, s)
		}
	}
	return out, true
}
