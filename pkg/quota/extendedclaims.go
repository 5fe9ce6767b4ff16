package quota

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Owners finds the pods for whose extended resources the scheduler made claims. Such a pod has been charged already, so its claim
// is not charged to the same quota once more.
type Owners struct {
	Pods   corelisters.PodLister
	Claims resourcelisters.ResourceClaimLister
}

// prepaid is what the pod behind the claim was charged, by the names of quotas. Only the first claim of a pod is prepaid: the
// scheduler makes one, and further ones could otherwise be made by users to get devices for nothing.
func (o *Owners) prepaid(c *resourcev1.ResourceClaim) (corev1.ResourceList, error) {
	ref := metav1.GetControllerOf(c)
	if o == nil || !generated(c) || ref == nil || ref.APIVersion != "v1" || ref.Kind != "Pod" {
		return nil, nil
	}
	pod, err := o.Pods.Pods(c.Namespace).Get(ref.Name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the pod of claim %s/%s: %w", c.Namespace, c.Name, err)
	case pod.UID != ref.UID:
		return nil, nil
	}
	if first, err := o.first(c, ref); err != nil || !first {
		return nil, err
	}
	charged := corev1.ResourceList{}
	for name, q := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		charged[corev1.ResourceName(corev1.DefaultResourceRequestsPrefix+string(name))] = q
	}
	return charged, nil
}

func generated(c *resourcev1.ResourceClaim) bool {
	return c.Annotations[resourcev1.ExtendedResourceClaimAnnotation] == "true"
}

func (o *Owners) first(c *resourcev1.ResourceClaim, ref *metav1.OwnerReference) (bool, error) {
	all, err := o.Claims.ResourceClaims(c.Namespace).List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing claims of %s: %w", c.Namespace, err)
	}
	stored := false
	var others []*resourcev1.ResourceClaim
	for _, other := range all {
		switch r := metav1.GetControllerOf(other); {
		case other.Name == c.Name:
			stored = true
		case generated(other) && r != nil && r.UID == ref.UID:
			others = append(others, other)
		}
	}
	for _, other := range others {
		// One that is not stored yet comes after all that are.
		if !stored || older(other, c) {
			return false, nil
		}
	}
	return true, nil
}

func older(a, b *resourcev1.ResourceClaim) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// without takes off what was paid, resource by resource and never below nothing.
func without(usage, paid corev1.ResourceList) corev1.ResourceList {
	common := apiquota.Mask(paid, apiquota.ResourceNames(usage))
	left := apiquota.SubtractWithNonNegativeResult(usage, common)
	return apiquota.Mask(left, apiquota.ResourceNames(usage))
}
