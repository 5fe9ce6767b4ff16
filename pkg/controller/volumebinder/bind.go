package volumebinder

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	storagevolume "k8s.io/component-helpers/storage/volume"
)

// bind makes both halves agree, writing only what differs.
func (c *Controller) bind(ctx context.Context, v *v1.PersistentVolume, p *v1.PersistentVolumeClaim) error {
	claimed, changed, err := storagevolume.GetBindVolumeToClaim(v, p)
	if err != nil {
		return fmt.Errorf("binding volume %s: %w", v.Name, err)
	}
	if changed {
		if claimed, err = c.updateVolume(ctx, claimed); err != nil {
			return err
		}
	}
	if claimed, err = c.setPhase(ctx, claimed, v1.VolumeBound, ""); err != nil {
		return err
	}
	if want, differs := boundClaim(p, claimed); differs {
		if p, err = c.client.CoreV1().PersistentVolumeClaims(p.Namespace).Update(ctx, want, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("binding the claim to volume %s: %w", claimed.Name, err)
		}
		c.claims.wrote(p)
	}
	if want, differs := boundStatus(p, claimed); differs {
		return c.updateClaimStatus(ctx, want)
	}
	return nil
}

// boundClaim is the claim pointing at its volume.
func boundClaim(p *v1.PersistentVolumeClaim, v *v1.PersistentVolume) (*v1.PersistentVolumeClaim, bool) {
	if p.Spec.VolumeName == v.Name && p.Annotations[storagevolume.AnnBindCompleted] != "" {
		return p, false
	}
	p = p.DeepCopy()
	if p.Spec.VolumeName != v.Name {
		p.Spec.VolumeName = v.Name
		// Tells that the user did not choose the volume.
		metav1.SetMetaDataAnnotation(&p.ObjectMeta, storagevolume.AnnBoundByController, "yes")
	}
	metav1.SetMetaDataAnnotation(&p.ObjectMeta, storagevolume.AnnBindCompleted, "yes")
	return p, true
}

// boundStatus is the claim's status. Capacity and attributes class are taken once: afterwards who resizes or modifies the volume
// reports them.
func boundStatus(p *v1.PersistentVolumeClaim, v *v1.PersistentVolume) (*v1.PersistentVolumeClaim, bool) {
	want := p.DeepCopy()
	if want.Status.Phase != v1.ClaimBound || want.Status.Capacity == nil {
		want.Status.Capacity = v1.ResourceList{v1.ResourceStorage: v.Spec.Capacity[v1.ResourceStorage]}
		if n := v.Spec.VolumeAttributesClassName; n != nil && *n != "" {
			want.Status.CurrentVolumeAttributesClassName = new(string)
			*want.Status.CurrentVolumeAttributesClassName = *n
		}
	}
	want.Status.Phase = v1.ClaimBound
	want.Status.AccessModes = slices.Clone(v.Spec.AccessModes)
	return want, !equality.Semantic.DeepEqual(want.Status, p.Status)
}

func (c *Controller) updateClaim(ctx context.Context, p *v1.PersistentVolumeClaim) error {
	p, err := c.client.CoreV1().PersistentVolumeClaims(p.Namespace).Update(ctx, p, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("updating the claim: %w", err)
	}
	c.claims.wrote(p)
	return nil
}

func (c *Controller) updateClaimStatus(ctx context.Context, p *v1.PersistentVolumeClaim) error {
	p, err := c.client.CoreV1().PersistentVolumeClaims(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("updating the claim's status: %w", err)
	}
	c.claims.wrote(p)
	return nil
}

func (c *Controller) updateVolume(ctx context.Context, v *v1.PersistentVolume) (*v1.PersistentVolume, error) {
	v, err := c.client.CoreV1().PersistentVolumes().Update(ctx, v, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("updating the volume: %w", err)
	}
	c.volumes.wrote(v)
	return v, nil
}

func (c *Controller) setPhase(ctx context.Context, v *v1.PersistentVolume, phase v1.PersistentVolumePhase, message string) (*v1.PersistentVolume, error) {
	if v.Status.Phase == phase && v.Status.Message == message {
		return v, nil
	}
	v = v.DeepCopy()
	if v.Status.Phase != phase {
		now := metav1.NewTime(c.cfg.Clock.Now())
		v.Status.LastPhaseTransitionTime = &now
	}
	v.Status.Phase, v.Status.Message, v.Status.Reason = phase, message, ""
	v, err := c.client.CoreV1().PersistentVolumes().UpdateStatus(ctx, v, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("setting the phase of volume to %s: %w", phase, err)
	}
	c.volumes.wrote(v)
	return v, nil
}
