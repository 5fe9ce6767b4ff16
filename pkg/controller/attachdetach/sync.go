package attachdetach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// keepTerminated on a node keeps volumes of finished pods attached.
const keepTerminated = "volumes.kubernetes.io/keep-terminated-pod-volumes"

// managed on a node tells that its kubelet leaves attaching to this controller.
const managed = "volumes.kubernetes.io/controller-managed-attach-detach"

// Sync brings the attachments of one node in order.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	node, err := c.nodes.Get(key.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if apierrors.IsNotFound(err) {
		node = nil
	}
	pods, err := c.pods.On(key.Name)
	if err != nil {
		return err
	}
	wanted, by := map[string]volume{}, map[string]*v1.Pod{}
	for _, p := range pods {
		if podstate.IsTerminal(p) && (node == nil || node.Annotations[keepTerminated] != "true") {
			continue
		}
		for i := range p.Spec.Volumes {
			v, ok := c.volume(ctx, p, &p.Spec.Volumes[i])
			if ok && (node == nil || node.Annotations[managed] == "true") {
				name := attachmentName(v.handle, v.driver, key.Name)
				wanted[name], by[name] = v, p
			}
		}
	}
	have, err := c.attached(key.Name)
	if err != nil {
		return err
	}
	now := c.cfg.Clock.Now()
	c.remember(have, wanted, now)
	p := decide(observed{node: node, wanted: wanted, attached: have, elsewhere: func(v volume) bool { return c.elsewhere(v, key.Name) },
		unwanted: c.since, force: c.cfg.Force, now: now})
	if p.again > 0 {
		c.queue.EnqueueAfter(key, p.again)
	}
	for _, v := range p.blocked {
		c.cfg.Events.Event(by[attachmentName(v.handle, v.driver, key.Name)], v1.EventTypeWarning, "FailedAttachVolume",
			fmt.Sprintf("Multi-Attach error for volume %q Volume is already exclusively attached to one node and can't be attached to another", v.pv))
	}
	// The kubelet must see a volume leave the list before it is detached.
	if p.write {
		if err := c.list(ctx, node, p.listed); err != nil {
			return err
		}
	}
	return errors.Join(c.create(ctx, key.Name, p.create, by), c.delete(ctx, p.delete))
}

// volume returns the attachable volume behind a pod's volume, false when there is none (yet).
func (c *Controller) volume(ctx context.Context, p *v1.Pod, pv *v1.Volume) (volume, bool) {
	name := claimName(p, pv)
	if name == "" {
		return volume{}, false
	}
	claim, err := c.claims.PersistentVolumeClaims(p.Namespace).Get(name)
	if err != nil || claim.Spec.VolumeName == "" || claim.Status.Phase != v1.ClaimBound {
		return volume{}, false
	}
	if pv.Ephemeral != nil && ephemeral.VolumeIsForPod(p, claim) != nil {
		return volume{}, false
	}
	bound, err := c.volumes.Get(claim.Spec.VolumeName)
	if err != nil || bound.Spec.ClaimRef == nil || bound.Spec.ClaimRef.UID != claim.UID {
		return volume{}, false
	}
	v, ok := c.translated(ctx, bound)
	if !ok {
		return volume{}, false
	}
	// A driver without an object is attached, as its attacher expects.
	if d, err := c.drivers.Get(v.driver); err == nil && d.Spec.AttachRequired != nil && !*d.Spec.AttachRequired {
		return volume{}, false
	}
	return v, true
}

// translated describes a volume, also one of an in-tree kind that a CSI driver has taken over.
func (c *Controller) translated(ctx context.Context, pv *v1.PersistentVolume) (volume, bool) {
	if pv.Spec.CSI == nil && c.translator.IsPVMigratable(pv) {
		as, err := c.translator.TranslateInTreePVToCSI(klog.FromContext(ctx), pv.DeepCopy())
		if err != nil {
			return volume{}, false
		}
		pv = as
	}
	return volumeOf(pv)
}

func claimName(p *v1.Pod, v *v1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return ephemeral.VolumeClaimName(p, v)
	}
	return ""
}

// attached are the node's attachments that this controller made.
func (c *Controller) attached(node string) (map[string]attached, error) {
	items, err := c.attachments.ByIndex(byNode, node)
	if err != nil {
		return nil, fmt.Errorf("looking up attachments: %w", err)
	}
	out := map[string]attached{}
	for _, i := range items {
		a, ok := i.(*storagev1.VolumeAttachment)
		if !ok || a.Spec.Source.PersistentVolumeName == nil {
			continue
		}
		pv, err := c.volumes.Get(*a.Spec.Source.PersistentVolumeName)
		if err != nil {
			// The volume is gone, and with it what would tell the attachment from others'. Names of that form are ours.
			if len(a.Name) == len(attachmentName("", "", "")) && a.Name[:4] == "csi-" {
				out[a.Name] = attached{object: a}
			}
			continue
		}
		if v, ok := c.translated(context.Background(), pv); ok && a.Name == attachmentName(v.handle, v.driver, node) {
			out[a.Name] = attached{object: a, volume: v, known: true}
		}
	}
	return out, nil
}

func (c *Controller) elsewhere(v volume, node string) bool {
	items, err := c.attachments.ByIndex(byVolume, v.pv)
	if err != nil {
		return false
	}
	for _, i := range items {
		if a, ok := i.(*storagev1.VolumeAttachment); ok && a.Spec.NodeName != node && a.Spec.Attacher == v.driver {
			return true
		}
	}
	return false
}

// remember notes since when attachments are unwanted.
func (c *Controller) remember(have map[string]attached, wanted map[string]volume, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range have {
		if _, ok := wanted[name]; ok {
			delete(c.unwanted, name)
		} else if _, known := c.unwanted[name]; !known {
			c.unwanted[name] = now
		}
	}
}

func (c *Controller) since(name string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unwanted[name]
}

func (c *Controller) create(ctx context.Context, node string, volumes []volume, by map[string]*v1.Pod) error {
	var errs []error
	for _, v := range volumes {
		name := attachmentName(v.handle, v.driver, node)
		_, err := c.cfg.Client.StorageV1().VolumeAttachments().Create(ctx, &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: storagev1.VolumeAttachmentSpec{Attacher: v.driver, NodeName: node, Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &v.pv}}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			c.cfg.Events.Event(by[name], v1.EventTypeWarning, "FailedAttachVolume", fmt.Sprintf("AttachVolume.Attach failed for volume %q : %v", v.pv, err))
			errs = append(errs, fmt.Errorf("attaching volume %s: %w", v.pv, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) delete(ctx context.Context, all []*storagev1.VolumeAttachment) error {
	var errs []error
	for _, a := range all {
		err := c.cfg.Client.StorageV1().VolumeAttachments().Delete(ctx, a.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &a.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("detaching %s: %w", a.Name, err))
			continue
		}
		c.mu.Lock()
		delete(c.unwanted, a.Name)
		c.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (c *Controller) list(ctx context.Context, node *v1.Node, volumes []v1.AttachedVolume) error {
	if volumes == nil {
		volumes = []v1.AttachedVolume{}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": node.UID}, "status": map[string]any{"volumesAttached": volumes}})
	if err != nil {
		return err
	}
	// A merge patch, since it replaces the list as a whole.
	if _, err := c.cfg.Client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("listing the volumes attached to the node: %w", err)
	}
	return nil
}
