package resourcequota

import (
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

var one = *resource.NewQuantity(1, resource.DecimalSI)

func add(sum v1.ResourceList, name v1.ResourceName, q resource.Quantity) {
	have := sum[name]
	have.Add(q)
	sum[name] = have
}

// usageOfPod adds what the pod uses. A finished pod, or one that should have ended by now, uses only its count as an object.
func usageOfPod(sum v1.ResourceList, p *v1.Pod, now time.Time) {
	add(sum, "count/pods", one)
	if podstate.IsTerminal(p) {
		return
	}
	if p.DeletionTimestamp != nil && p.DeletionGracePeriodSeconds != nil && !now.Before(p.DeletionTimestamp.Add(time.Duration(*p.DeletionGracePeriodSeconds)*time.Second)) {
		return // its node does not answer; it must not hold the quota for ever
	}
	add(sum, v1.ResourcePods, one)
	for name, q := range resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{UseStatusResources: true}) {
		add(sum, "requests."+name, q)
		if name == v1.ResourceCPU || name == v1.ResourceMemory || name == v1.ResourceEphemeralStorage || strings.HasPrefix(string(name), v1.ResourceHugePagesPrefix) {
			add(sum, name, q)
		}
	}
	for name, q := range resourcehelper.PodLimits(p, resourcehelper.PodResourcesOptions{UseStatusResources: true}) {
		add(sum, "limits."+name, q)
	}
}

func usageOfService(sum v1.ResourceList, s *v1.Service) {
	add(sum, v1.ResourceServices, one)
	add(sum, "count/services", one)
	ports := *resource.NewQuantity(int64(len(s.Spec.Ports)), resource.DecimalSI)
	switch s.Spec.Type {
	case v1.ServiceTypeNodePort:
		add(sum, v1.ResourceServicesNodePorts, ports)
	case v1.ServiceTypeLoadBalancer:
		add(sum, v1.ResourceServicesLoadBalancers, one)
		if a := s.Spec.AllocateLoadBalancerNodePorts; a == nil || *a {
			add(sum, v1.ResourceServicesNodePorts, ports)
			return
		}
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				add(sum, v1.ResourceServicesNodePorts, one)
			}
		}
	}
}

func usageOfClaim(sum v1.ResourceList, c *v1.PersistentVolumeClaim) {
	size := c.Spec.Resources.Requests[v1.ResourceStorage]
	// A volume that grows is charged for the larger of what was and what is asked.
	if allocated, ok := c.Status.AllocatedResources[v1.ResourceStorage]; ok && allocated.Cmp(size) > 0 {
		size = allocated
	}
	add(sum, v1.ResourcePersistentVolumeClaims, one)
	add(sum, "count/persistentvolumeclaims", one)
	add(sum, v1.ResourceRequestsStorage, size)
	if c.Spec.StorageClassName != nil && *c.Spec.StorageClassName != "" {
		prefix := v1.ResourceName(*c.Spec.StorageClassName + ".storageclass.storage.k8s.io/")
		add(sum, prefix+v1.ResourcePersistentVolumeClaims, one)
		add(sum, prefix+v1.ResourceRequestsStorage, size)
	}
}
