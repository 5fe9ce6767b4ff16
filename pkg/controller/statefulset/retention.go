package statefulset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retainClaims makes claims owned by what they shall go with: the set (whenDeleted: Delete), or the pod of an ordinal that is
// scaled away (whenScaled: Delete). The garbage collector does the rest.
func (c *Controller) retainClaims(ctx context.Context, w *world) error {
	policy := w.set.Spec.PersistentVolumeClaimRetentionPolicy
	if policy == nil || len(w.set.Spec.VolumeClaimTemplates) == 0 {
		return nil
	}
	var errs []error
	for ordinal, p := range w.pods {
		for i := range w.set.Spec.VolumeClaimTemplates {
			claim, err := c.claims.PersistentVolumeClaims(w.set.Namespace).Get(claimName(w.set, i, ordinal))
			if err != nil {
				continue // its creation reports what is wrong
			}
			refs := w.claimOwners(claim, p, ordinal, policy)
			if slices.EqualFunc(refs, claim.OwnerReferences, func(a, b metav1.OwnerReference) bool { return a.UID == b.UID }) {
				continue
			}
			updated := *claim
			updated.OwnerReferences = refs
			_, err = c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, &updated, metav1.UpdateOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				errs = append(errs, fmt.Errorf("owners of claim %s: %w", claim.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (w *world) claimOwners(claim *v1.PersistentVolumeClaim, p *v1.Pod, ordinal int32, policy *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy) []metav1.OwnerReference {
	refs := slices.DeleteFunc(slices.Clone(claim.OwnerReferences), func(r metav1.OwnerReference) bool {
		return r.UID == w.set.UID || r.Kind == "Pod" && r.Name == p.Name
	})
	from, to := w.ordinals()
	scaledAway := ordinal < from || ordinal >= to
	switch {
	case scaledAway && policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType:
		refs = append(refs, *metav1.NewControllerRef(p, v1.SchemeGroupVersion.WithKind("Pod")))
	case policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType:
		refs = append(refs, *metav1.NewControllerRef(w.set, GVK))
	}
	return refs
}
