package endpointslicemirroring

import (
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	utilnet "k8s.io/utils/net"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// leaderAnnotation marks Endpoints that serve as a lock and hold no addresses.
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"

// want returns the slices there should be; none when the Endpoints are not to be mirrored.
func (c *Controller) want(key worker.Key) ([]*discoveryv1.EndpointSlice, error) {
	e, err := c.endpoints.Endpoints(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	service, err := c.services.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, isLock := e.Annotations[leaderAnnotation]
	if service.Spec.Selector != nil || isLock || e.DeletionTimestamp != nil || e.Labels[discoveryv1.LabelSkipMirror] == "true" {
		return nil, nil
	}
	return mirror(e, c.limit), nil
}

func mirror(e *v1.Endpoints, limit int) []*discoveryv1.EndpointSlice {
	var out []*discoveryv1.EndpointSlice
	for i := range e.Subsets {
		s := &e.Subsets[i]
		for _, family := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
			endpoints := endpointsOf(s, family, limit)
			if len(endpoints) == 0 {
				continue
			}
			out = append(out, sliceOf(e, i, family, endpoints))
		}
	}
	return out
}

func endpointsOf(s *v1.EndpointSubset, family discoveryv1.AddressType, limit int) []discoveryv1.Endpoint {
	var out []discoveryv1.Endpoint
	add := func(list []v1.EndpointAddress, ready bool) {
		for _, a := range list {
			if utilnet.IsIPv6String(a.IP) != (family == discoveryv1.AddressTypeIPv6) || len(out) >= limit {
				continue
			}
			ep := discoveryv1.Endpoint{Addresses: []string{a.IP}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}, TargetRef: a.TargetRef, NodeName: a.NodeName}
			if a.Hostname != "" {
				hostname := a.Hostname
				ep.Hostname = &hostname
			}
			out = append(out, ep)
		}
	}
	add(s.Addresses, true)
	add(s.NotReadyAddresses, false)
	return out
}

func sliceOf(e *v1.Endpoints, subset int, family discoveryv1.AddressType, endpoints []discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, e.UID, subset, family) // never fails
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:            fmt.Sprintf("%s-%s", e.Name, rand.SafeEncodeString(strconv.FormatUint(uint64(h.Sum32()), 10))),
			Namespace:       e.Namespace,
			Labels:          maps.Clone(e.Labels),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(e, v1.SchemeGroupVersion.WithKind("Endpoints"))},
		},
		AddressType: family, Endpoints: endpoints,
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	s.Labels[discoveryv1.LabelServiceName], s.Labels[discoveryv1.LabelManagedBy] = e.Name, ManagedBy
	for k, v := range e.Annotations {
		if k == v1.LastAppliedConfigAnnotation || k == v1.EndpointsLastChangeTriggerTime {
			continue
		}
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[k] = v
	}
	for _, p := range e.Subsets[subset].Ports {
		name, port, protocol := p.Name, p.Port, p.Protocol
		s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: &name, Port: &port, Protocol: &protocol, AppProtocol: p.AppProtocol})
	}
	return s
}
