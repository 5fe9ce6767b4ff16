package volumebinding

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// hasCapacity asks the published capacities when the driver publishes any.
func (p *Plugin) hasCapacity(claim *v1.PersistentVolumeClaim, class *storagev1.StorageClass, node *v1.Node) (bool, error) {
	size, ok := claim.Spec.Resources.Requests[v1.ResourceStorage]
	if !ok {
		return true, nil
	}
	driver, err := p.drivers.Get(class.Provisioner)
	if apierrors.IsNotFound(err) || (err == nil && (driver.Spec.StorageCapacity == nil || !*driver.Spec.StorageCapacity)) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("finding CSI driver %q: %w", class.Provisioner, err)
	}
	capacities, err := p.capacities.List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing storage capacities: %w", err)
	}
	for _, capacity := range capacities {
		if capacity.StorageClassName != class.Name || capacity.NodeTopology == nil {
			continue
		}
		limit := capacity.Capacity
		if capacity.MaximumVolumeSize != nil {
			limit = capacity.MaximumVolumeSize
		}
		if limit == nil || limit.Cmp(size) < 0 {
			continue
		}
		if selector, err := metav1.LabelSelectorAsSelector(capacity.NodeTopology); err == nil && selector.Matches(labels.Set(node.Labels)) {
			return true, nil
		}
	}
	return false, nil
}
