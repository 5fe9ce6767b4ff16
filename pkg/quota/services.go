package quota

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/quota/v1/generic"
)

const serviceCount corev1.ResourceName = "count/services"

func newServices(list generic.ListFuncByNamespace) *evaluator {
	return &evaluator{
		resource: corev1.Resource("services"), list: list, usage: serviceUsage, handles: onWrite,
		names: []corev1.ResourceName{serviceCount, corev1.ResourceServices, corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers},
	}
}

func serviceUsage(item runtime.Object) (corev1.ResourceList, error) {
	s, ok := item.(*corev1.Service)
	if !ok {
		return nil, unexpected(item, "a service")
	}
	ports, balancers := 0, 0
	switch s.Spec.Type {
	case corev1.ServiceTypeNodePort:
		ports = len(s.Spec.Ports)
	case corev1.ServiceTypeLoadBalancer:
		balancers = 1
		ports = nodePorts(s)
	}
	n := func(i int) resource.Quantity { return *resource.NewQuantity(int64(i), resource.DecimalSI) }
	return corev1.ResourceList{
		serviceCount: n(1), corev1.ResourceServices: n(1),
		corev1.ResourceServicesNodePorts: n(ports), corev1.ResourceServicesLoadBalancers: n(balancers),
	}, nil
}

// nodePorts is how many a load balancer takes: one a port, unless it wants none; those asked for by number count anyway.
func nodePorts(s *corev1.Service) int {
	if a := s.Spec.AllocateLoadBalancerNodePorts; a == nil || *a {
		return len(s.Spec.Ports)
	}
	asked := 0
	for _, p := range s.Spec.Ports {
		if p.NodePort != 0 {
			asked++
		}
	}
	return asked
}
