package scheme

import (
	resourcev1 "k8s.io/api/resource/v1"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"

	"tiphys.dev/tiphys/pkg/api/alike"
)

// addDeviceRules tells where resource.k8s.io/v1beta1 has another shape: what a request for one kind of device says stands in the request itself, and what
// a device has stands one level deeper.
func addDeviceRules(c *alike.Copier) {
	alike.Add(c, func(dst *resourcev1.DeviceRequest, src *resourcev1beta1.DeviceRequest) error {
		*dst = resourcev1.DeviceRequest{Name: src.Name}
		if err := c.Copy(&dst.FirstAvailable, &src.FirstAvailable); err != nil {
			return err
		}
		if !asksExactly(src) {
			return nil
		}
		e := &resourcev1.ExactDeviceRequest{
			DeviceClassName: src.DeviceClassName, AllocationMode: resourcev1.DeviceAllocationMode(src.AllocationMode),
			Count: src.Count, AdminAccess: src.AdminAccess,
		}
		dst.Exactly = e
		return copyAll(c, &e.Selectors, &src.Selectors, &e.Tolerations, &src.Tolerations, &e.Capacity, &src.Capacity)
	})
	alike.Add(c, func(dst *resourcev1beta1.DeviceRequest, src *resourcev1.DeviceRequest) error {
		*dst = resourcev1beta1.DeviceRequest{Name: src.Name}
		if err := c.Copy(&dst.FirstAvailable, &src.FirstAvailable); err != nil || src.Exactly == nil {
			return err
		}
		e := src.Exactly
		dst.DeviceClassName, dst.AllocationMode = e.DeviceClassName, resourcev1beta1.DeviceAllocationMode(e.AllocationMode)
		dst.Count, dst.AdminAccess = e.Count, e.AdminAccess
		return copyAll(c, &dst.Selectors, &e.Selectors, &dst.Tolerations, &e.Tolerations, &dst.Capacity, &e.Capacity)
	})
	alike.Add(c, func(dst *resourcev1.Device, src *resourcev1beta1.Device) error {
		*dst = resourcev1.Device{Name: src.Name}
		b := src.Basic
		if b == nil {
			return nil
		}
		dst.NodeName, dst.NodeSelector, dst.AllNodes, dst.BindsToNode = b.NodeName, b.NodeSelector, b.AllNodes, b.BindsToNode
		dst.BindingConditions, dst.BindingFailureConditions = b.BindingConditions, b.BindingFailureConditions
		dst.AllowMultipleAllocations = b.AllowMultipleAllocations
		return copyAll(c, &dst.Attributes, &b.Attributes, &dst.Capacity, &b.Capacity, &dst.ConsumesCounters, &b.ConsumesCounters,
			&dst.Taints, &b.Taints, &dst.NodeAllocatableResourceMappings, &b.NodeAllocatableResourceMappings)
	})
	alike.Add(c, func(dst *resourcev1beta1.Device, src *resourcev1.Device) error {
		b := &resourcev1beta1.BasicDevice{
			NodeName: src.NodeName, NodeSelector: src.NodeSelector, AllNodes: src.AllNodes, BindsToNode: src.BindsToNode,
			BindingConditions: src.BindingConditions, BindingFailureConditions: src.BindingFailureConditions,
			AllowMultipleAllocations: src.AllowMultipleAllocations,
		}
		*dst = resourcev1beta1.Device{Name: src.Name, Basic: b}
		return copyAll(c, &b.Attributes, &src.Attributes, &b.Capacity, &src.Capacity, &b.ConsumesCounters, &src.ConsumesCounters,
			&b.Taints, &src.Taints, &b.NodeAllocatableResourceMappings, &src.NodeAllocatableResourceMappings)
	})
}

// asksExactly tells whether a request of v1beta1 says what devices it wants, rather than naming requests of which the first available counts.
func asksExactly(r *resourcev1beta1.DeviceRequest) bool {
	return r.DeviceClassName != "" || r.Selectors != nil || r.AllocationMode != "" || r.Count != 0 || r.AdminAccess != nil ||
		r.Tolerations != nil || r.Capacity != nil
}

// copyAll copies pairs of targets and sources.
func copyAll(c *alike.Copier, pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := c.Copy(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}
