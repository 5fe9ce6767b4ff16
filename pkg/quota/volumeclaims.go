package quota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/component-helpers/storage/volume"
)

const (
	volumeClaimCount corev1.ResourceName = "count/persistentvolumeclaims"
	// perClass stands between the name of a storage class and the resource that is limited for it.
	perClass = ".storageclass.storage.k8s.io/"
)

func newVolumeClaims(list generic.ListFuncByNamespace) *evaluator {
	return &evaluator{
		resource: corev1.Resource("persistentvolumeclaims"), list: list, usage: volumeClaimUsage, handles: onWrite, scope: volumeClaimScope,
		names: []corev1.ResourceName{volumeClaimCount, corev1.ResourcePersistentVolumeClaims, corev1.ResourceRequestsStorage},
		other: func(name corev1.ResourceName) bool {
			return strings.HasSuffix(string(name), perClass+string(corev1.ResourceRequestsStorage)) ||
				strings.HasSuffix(string(name), perClass+string(corev1.ResourcePersistentVolumeClaims))
		},
	}
}

func volumeClaimUsage(item runtime.Object) (corev1.ResourceList, error) {
	c, ok := item.(*corev1.PersistentVolumeClaim)
	if !ok {
		return nil, unexpected(item, "a persistent volume claim")
	}
	one := *resource.NewQuantity(1, resource.DecimalSI)
	usage := corev1.ResourceList{volumeClaimCount: one, corev1.ResourcePersistentVolumeClaims: one}
	class := volume.GetPersistentVolumeClaimClass(c)
	if class != "" {
		usage[corev1.ResourceName(class+perClass+string(corev1.ResourcePersistentVolumeClaims))] = one
	}
	if size, ok := storageOf(c); ok {
		usage[corev1.ResourceRequestsStorage] = size
		if class != "" {
			usage[corev1.ResourceName(class+perClass+string(corev1.ResourceRequestsStorage))] = size
		}
	}
	return usage, nil
}

// storageOf is what the claim takes: the request, or what was set aside for an expansion that the request has been lowered from.
func storageOf(c *corev1.PersistentVolumeClaim) (resource.Quantity, bool) {
	size, ok := c.Spec.Resources.Requests[corev1.ResourceStorage]
	if aside, has := c.Status.AllocatedResources[corev1.ResourceStorage]; ok && has && aside.Cmp(size) > 0 {
		size = aside
	}
	size = size.DeepCopy()
	// Parts of a byte would make the sum of the quota unreadable.
	size.RoundUp(0)
	return size, ok
}
