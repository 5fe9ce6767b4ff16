package volumebinder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	storagevolume "k8s.io/component-helpers/storage/volume"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// SyncClaim brings one claim nearer to being bound.
func (c *Controller) SyncClaim(ctx context.Context, key worker.Key) error {
	p, ok, err := c.claims.get(key)
	if err != nil || !ok {
		return err
	}
	if p.Annotations[storagevolume.AnnBindCompleted] != "" {
		return c.keepBound(ctx, p)
	}
	if p.DeletionTimestamp != nil {
		return nil // a binding would only have to be undone
	}
	if p.Spec.VolumeName != "" {
		return c.bindNamed(ctx, p)
	}
	return c.bindAny(ctx, key, p)
}

// keepBound repairs the binding of a claim that was bound once, or tells that its volume is lost.
func (c *Controller) keepBound(ctx context.Context, p *v1.PersistentVolumeClaim) error {
	if p.Spec.VolumeName == "" {
		return c.lost(ctx, p, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
	}
	v, ok, err := c.volumes.get(worker.Key{Name: p.Spec.VolumeName})
	if err != nil {
		return err
	}
	if !ok {
		// Only the API server knows that it does not exist.
		if v, err = c.client.CoreV1().PersistentVolumes().Get(ctx, p.Spec.VolumeName, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return c.lost(ctx, p, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
		} else if err != nil {
			return fmt.Errorf("reading volume %s: %w", p.Spec.VolumeName, err)
		}
	}
	if v.Spec.ClaimRef == nil || v.Spec.ClaimRef.UID == p.UID {
		return c.bind(ctx, v, p)
	}
	return c.lost(ctx, p, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
}

func (c *Controller) lost(ctx context.Context, p *v1.PersistentVolumeClaim, reason, message string) error {
	if p.Status.Phase == v1.ClaimLost {
		return nil
	}
	c.events.Event(p, v1.EventTypeWarning, reason, message)
	p = p.DeepCopy()
	p.Status.Phase = v1.ClaimLost
	return c.updateClaimStatus(ctx, p)
}

// bindNamed serves a claim whose user, or the provisioner, named the volume.
func (c *Controller) bindNamed(ctx context.Context, p *v1.PersistentVolumeClaim) error {
	v, ok, err := c.volumes.get(worker.Key{Name: p.Spec.VolumeName})
	if err != nil {
		return err
	}
	switch {
	case !ok:
		return c.pending(ctx, p) // its creation brings us back
	case v.Spec.ClaimRef == nil:
		if err := satisfies(v, p); err != nil {
			c.events.Event(p, v1.EventTypeWarning, "VolumeMismatch", fmt.Sprintf("Cannot bind to requested volume %q: %v", v.Name, err))
			return c.pending(ctx, p)
		}
		return c.bind(ctx, v, p)
	case storagevolume.IsVolumeBoundToClaim(v, p):
		return c.bind(ctx, v, p)
	}
	c.events.Event(p, v1.EventTypeWarning, "FailedBinding", fmt.Sprintf("volume %q already bound to a different claim.", v.Name))
	return c.pending(ctx, p)
}

// satisfies checks what the user's own choice of a volume must still fulfil.
func satisfies(v *v1.PersistentVolume, p *v1.PersistentVolumeClaim) error {
	want, have := p.Spec.Resources.Requests[v1.ResourceStorage], v.Spec.Capacity[v1.ResourceStorage]
	switch {
	case v.DeletionTimestamp != nil:
		return errors.New("the volume is being deleted")
	case have.Cmp(want) < 0:
		return errors.New("requested PV is too small")
	case storagevolume.GetPersistentVolumeClass(v) != storagevolume.GetPersistentVolumeClaimClass(p):
		return errors.New("storageClassName does not match")
	case storagevolume.CheckVolumeModeMismatches(&p.Spec, &v.Spec):
		return errors.New("incompatible volumeMode")
	case !storagevolume.CheckAccessModes(p, v):
		return errors.New("incompatible accessMode")
	}
	return nil
}

// bindAny looks for a volume that suits, or asks for one.
func (c *Controller) bindAny(ctx context.Context, key worker.Key, p *v1.PersistentVolumeClaim) error {
	waits, err := storagevolume.IsDelayBindingMode(p, c.classes)
	if err != nil {
		return c.fail(ctx, p, "ProvisioningFailed", err)
	}
	volumes, err := c.volumes.list()
	if err != nil {
		return err
	}
	v, err := storagevolume.FindMatchingVolume(p, volumes, nil, nil, waits, true)
	if err != nil {
		return c.fail(ctx, p, "FailedBinding", err)
	}
	if v != nil {
		return c.bind(ctx, v, p)
	}
	if p.Spec.StorageClassName == nil && !storagevolume.PersistentVolumeClaimHasClass(p) {
		if class, err := c.defaultClass(); err != nil {
			return err
		} else if class != nil {
			p = p.DeepCopy()
			p.Spec.StorageClassName = &class.Name
			return c.updateClaim(ctx, p) // and come back with the class
		}
	}
	class := storagevolume.GetPersistentVolumeClaimClass(p)
	switch {
	case waits && !storagevolume.IsDelayBindingProvisioning(p):
		if names := c.podsWaiting(p); len(names) > 0 {
			c.events.Event(p, v1.EventTypeNormal, "WaitForPodScheduled", fmt.Sprintf("waiting for pod %s to be scheduled", strings.Join(names, ",")))
		} else {
			c.events.Event(p, v1.EventTypeNormal, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
		}
	case class != "":
		return c.provision(ctx, key, p, class)
	default:
		c.events.Event(p, v1.EventTypeNormal, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
	}
	return c.pending(ctx, p)
}

// defaultClass is the newest class marked so, the first by name among those.
func (c *Controller) defaultClass() (*storagev1.StorageClass, error) {
	all, err := c.classes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	var best *storagev1.StorageClass
	for _, k := range all {
		if k.Annotations["storageclass.kubernetes.io/is-default-class"] != "true" && k.Annotations["storageclass.beta.kubernetes.io/is-default-class"] != "true" {
			continue
		}
		if best == nil || best.CreationTimestamp.Before(&k.CreationTimestamp) || best.CreationTimestamp.Equal(&k.CreationTimestamp) && k.Name < best.Name {
			best = k
		}
	}
	return best, nil
}

// provision asks the provisioner of the class for a volume.
func (c *Controller) provision(ctx context.Context, key worker.Key, p *v1.PersistentVolumeClaim, class string) error {
	if !c.cfg.Provisioning {
		return c.pending(ctx, p)
	}
	k, err := c.classes.Get(class)
	if err != nil {
		return c.fail(ctx, p, "ProvisioningFailed", err) // the class' creation brings us back
	}
	if k.Provisioner == storagevolume.NotSupportedProvisioner {
		return c.fail(ctx, p, "ProvisioningFailed", fmt.Errorf("storageclass.storage.k8s.io %q does not provision volumes (%s)", class, k.Provisioner))
	}
	provisioner := k.Provisioner
	want := map[string]string{}
	if c.migrated.IsMigratableIntreePluginByName(provisioner) {
		if provisioner, err = c.migrated.GetCSINameFromInTreeName(provisioner); err != nil {
			return c.fail(ctx, p, "ProvisioningFailed", err)
		}
		want[storagevolume.AnnMigratedTo] = provisioner
	}
	want[storagevolume.AnnStorageProvisioner], want[storagevolume.AnnBetaStorageProvisioner] = provisioner, provisioner
	c.events.Event(p, v1.EventTypeNormal, "ExternalProvisioning", fmt.Sprintf("Waiting for a volume to be created either by the external provisioner '%s' or manually by the system administrator. "+
		"If volume creation is delayed, please verify that the provisioner is running and correctly registered.", provisioner))
	for name, value := range want {
		if p.Annotations[name] != value {
			p = p.DeepCopy()
			for name, value := range want {
				metav1.SetMetaDataAnnotation(&p.ObjectMeta, name, value)
			}
			return c.updateClaim(ctx, p)
		}
	}
	c.claimQueue.EnqueueAfter(key, c.cfg.Remind) // for the event only
	return c.pending(ctx, p)
}

// fail tells the user what stands in the way; only a change of the objects helps, so it is no error of the sync.
func (c *Controller) fail(ctx context.Context, p *v1.PersistentVolumeClaim, reason string, cause error) error {
	c.events.Event(p, v1.EventTypeWarning, reason, cause.Error())
	return c.pending(ctx, p)
}

func (c *Controller) pending(ctx context.Context, p *v1.PersistentVolumeClaim) error {
	if p.Status.Phase == v1.ClaimPending {
		return nil
	}
	p = p.DeepCopy()
	p.Status.Phase = v1.ClaimPending
	return c.updateClaimStatus(ctx, p)
}
