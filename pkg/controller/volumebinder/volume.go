package volumebinder

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	storagevolume "k8s.io/component-helpers/storage/volume"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// SyncVolume brings the phase of one volume in order and reclaims it when its claim is gone.
func (c *Controller) SyncVolume(ctx context.Context, key worker.Key) error {
	v, ok, err := c.volumes.get(key)
	if err != nil || !ok {
		return err
	}
	if v, err = c.noteMigration(ctx, v); err != nil {
		return err
	}
	ref := v.Spec.ClaimRef
	if ref == nil || ref.UID == "" {
		// Free, or reserved for a claim that will take it.
		_, err := c.setPhase(ctx, v, v1.VolumeAvailable, "")
		return err
	}
	p, err := c.claimOf(ctx, ref)
	if err != nil {
		return err
	}
	switch {
	case p == nil:
		return c.release(ctx, v)
	case p.Spec.VolumeName == "":
		c.claimQueue.Enqueue(worker.KeyOf(p)) // the binding is half done
		return nil
	case p.Spec.VolumeName == v.Name:
		_, err := c.setPhase(ctx, v, v1.VolumeBound, "")
		return err
	}
	// The claim has another volume.
	if v.Annotations[storagevolume.AnnDynamicallyProvisioned] != "" && v.Spec.PersistentVolumeReclaimPolicy == v1.PersistentVolumeReclaimDelete {
		return c.release(ctx, v) // made for it, and of use to nobody else
	}
	return c.unbind(ctx, v)
}

// claimOf returns the claim with the UID of the reference, nil when there is none. Absence is believed only from the API server.
func (c *Controller) claimOf(ctx context.Context, ref *v1.ObjectReference) (*v1.PersistentVolumeClaim, error) {
	p, ok, err := c.claims.get(worker.Key{Namespace: ref.Namespace, Name: ref.Name})
	if err != nil {
		return nil, err
	}
	if ok && p.UID == ref.UID {
		return p, nil
	}
	p, err = c.client.CoreV1().PersistentVolumeClaims(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && p.UID != ref.UID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading claim %s/%s: %w", ref.Namespace, ref.Name, err)
	}
	return p, nil
}

// unbind frees the volume. What a user reserved stays reserved for a claim of that name.
func (c *Controller) unbind(ctx context.Context, v *v1.PersistentVolume) error {
	v = v.DeepCopy()
	if v.Annotations[storagevolume.AnnBoundByController] != "" {
		v.Spec.ClaimRef = nil
		delete(v.Annotations, storagevolume.AnnBoundByController)
	} else {
		v.Spec.ClaimRef.UID = ""
	}
	v, err := c.updateVolume(ctx, v)
	if err != nil {
		return err
	}
	_, err = c.setPhase(ctx, v, v1.VolumeAvailable, "")
	return err
}

// noteMigration tells the CSI driver that took over an in-tree provisioner that the volume is its business.
func (c *Controller) noteMigration(ctx context.Context, v *v1.PersistentVolume) (*v1.PersistentVolume, error) {
	by := v.Annotations[storagevolume.AnnDynamicallyProvisioned]
	if by == "" || !c.migrated.IsMigratableIntreePluginByName(by) {
		return v, nil
	}
	driver, err := c.migrated.GetCSINameFromInTreeName(by)
	if err != nil || v.Annotations[storagevolume.AnnMigratedTo] == driver {
		return v, err
	}
	v = v.DeepCopy()
	metav1.SetMetaDataAnnotation(&v.ObjectMeta, storagevolume.AnnMigratedTo, driver)
	return c.updateVolume(ctx, v)
}

// release does with a volume without claim what its policy says.
func (c *Controller) release(ctx context.Context, v *v1.PersistentVolume) error {
	if v.Status.Phase != v1.VolumeReleased && v.Status.Phase != v1.VolumeFailed {
		var err error
		if v, err = c.setPhase(ctx, v, v1.VolumeReleased, ""); err != nil {
			return err
		}
	}
	switch v.Spec.PersistentVolumeReclaimPolicy {
	case v1.PersistentVolumeReclaimDelete:
		if v.DeletionTimestamp != nil || v.Spec.CSI != nil || v.Annotations[storagevolume.AnnDynamicallyProvisioned] != "" {
			return nil // its provisioner deletes it
		}
		return c.reclaimFailed(ctx, v, "VolumeFailedDelete", "error getting deleter volume plugin for volume "+fmt.Sprintf("%q", v.Name)+": no deletable volume plugin matched")
	case v1.PersistentVolumeReclaimRecycle:
		return c.recycle(ctx, v)
	}
	return nil
}

func (c *Controller) reclaimFailed(ctx context.Context, v *v1.PersistentVolume, reason, message string) error {
	if v.Status.Phase == v1.VolumeFailed {
		return nil
	}
	v, err := c.setPhase(ctx, v, v1.VolumeFailed, message)
	if err == nil {
		c.events.Event(v, v1.EventTypeWarning, reason, message)
	}
	return err
}
