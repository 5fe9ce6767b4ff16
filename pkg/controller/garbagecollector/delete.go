package garbagecollector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/klog/v2"
)

// checkOne decides about one object of the graph.
func (c *Controller) checkOne(ctx context.Context, uid types.UID) error {
	n, ok := c.graph.get(uid)
	if !ok || n.deleting && !n.foreground && !n.virtual {
		return nil // gone, or going without waiting for anything of ours
	}
	client, err := c.clientOf(n.identity)
	if err != nil {
		return err
	}
	live, err := client.Get(ctx, n.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.UID != uid {
		c.absent.add(n.identity)
		c.do(c.graph.missing(uid, n.virtual))
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", n, err)
	}
	if n.virtual {
		return nil // it exists; its monitor will bring it
	}
	if n.foreground {
		return c.awaitDependents(ctx, n, client, live)
	}
	if live.DeletionTimestamp != nil || len(live.OwnerReferences) == 0 {
		return nil
	}
	o, err := c.classify(ctx, n, live.OwnerReferences)
	if err != nil {
		return err
	}
	switch {
	case len(o.solid) > 0:
		c.do(c.graph.relink(uid))
		if len(o.dangling)+len(o.waiting) == 0 {
			return nil
		}
		// Kept by the living owner; the references to the others would only bring it here again.
		return c.patch(ctx, client, live, map[string]any{"ownerReferences": o.solid})
	case len(o.waiting) > 0 && len(n.dependents) > 0:
		return c.deleteBlocked(ctx, n, client, live)
	default:
		return c.delete(ctx, n, client, live, policyOf(live))
	}
}

// owners of one object, by what is known of them.
type owners struct {
	solid, dangling, waiting []metav1.OwnerReference
}

func (c *Controller) classify(ctx context.Context, n snapshot, refs []metav1.OwnerReference) (owners, error) {
	var o owners
	for _, r := range refs {
		if seen, foreground := c.graph.owner(r, n.Namespace); seen {
			if foreground {
				o.waiting = append(o.waiting, r)
			} else {
				o.solid = append(o.solid, r)
			}
			continue
		}
		live, err := c.ask(ctx, n, r)
		switch {
		case err != nil:
			return o, err
		case live == nil:
			o.dangling = append(o.dangling, r)
		case live.DeletionTimestamp != nil && slices.Contains(live.Finalizers, metav1.FinalizerDeleteDependents):
			o.waiting = append(o.waiting, r)
		default:
			o.solid = append(o.solid, r)
		}
	}
	return o, nil
}

// ask returns the owner as the API server has it, or nil when there is none of that name with that UID.
func (c *Controller) ask(ctx context.Context, n snapshot, r metav1.OwnerReference) (*metav1.PartialObjectMetadata, error) {
	t, err := c.mapper.find(r.APIVersion, r.Kind)
	if err != nil {
		return nil, fmt.Errorf("owner of %s: %w", n, err) // perhaps served again later; never a reason to delete
	}
	id := identity{APIVersion: r.APIVersion, Kind: r.Kind, Name: r.Name, UID: r.UID}
	client := c.cfg.Metadata.Resource(t.GroupVersionResource)
	get := client.Get
	if t.namespaced {
		if n.Namespace == "" {
			c.do(work{invalid: []invalidOwner{{n.identity, r}}})
			return &metav1.PartialObjectMetadata{}, nil // a cluster-scoped object cannot name it; it is left alone
		}
		id.Namespace = n.Namespace
		get = client.Namespace(n.Namespace).Get
	}
	if c.absent.has(id) {
		return nil, nil
	}
	live, err := get(ctx, r.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.UID != r.UID {
		c.absent.add(id)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the owner %s %s of %s: %w", r.Kind, r.Name, n, err)
	}
	return live, nil
}

// awaitDependents lets an object in foreground deletion go when no dependent blocks it, and else sees to its dependents.
func (c *Controller) awaitDependents(ctx context.Context, n snapshot, client metadata.ResourceInterface, live *metav1.PartialObjectMetadata) error {
	blocked := false
	for _, d := range n.dependents {
		if !d.blocks {
			continue
		}
		blocked = true
		if !d.foreground {
			c.check.Enqueue(d.UID)
		}
	}
	if blocked {
		return nil
	}
	return c.dropFinalizer(ctx, client, live, metav1.FinalizerDeleteDependents)
}

// deleteBlocked deletes a dependent, whose owner waits for it, in the foreground too. Where one of its own dependents is
// already waiting for dependents the ownership may run in a circle, and everybody would wait for ever: then its own
// references stop blocking.
func (c *Controller) deleteBlocked(ctx context.Context, n snapshot, client metadata.ResourceInterface, live *metav1.PartialObjectMetadata) error {
	if slices.ContainsFunc(n.dependents, func(d dependent) bool { return d.foreground }) {
		refs := slices.Clone(live.OwnerReferences)
		for i := range refs {
			refs[i].BlockOwnerDeletion = new(bool)
		}
		if err := c.patch(ctx, client, live, map[string]any{"ownerReferences": refs}); err != nil {
			return err
		}
		live = live.DeepCopy()
		live.ResourceVersion = "" // just changed by ourselves
	}
	return c.delete(ctx, n, client, live, metav1.DeletePropagationForeground)
}

// policyOf respects what the object's own finalizers ask for.
func policyOf(o *metav1.PartialObjectMetadata) metav1.DeletionPropagation {
	switch {
	case slices.Contains(o.Finalizers, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case slices.Contains(o.Finalizers, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}

func (c *Controller) delete(ctx context.Context, n snapshot, client metadata.ResourceInterface, live *metav1.PartialObjectMetadata, policy metav1.DeletionPropagation) error {
	klog.FromContext(ctx).V(2).Info("Deleting", "object", n, "propagation", policy)
	preconditions := &metav1.Preconditions{UID: &live.UID}
	if live.ResourceVersion != "" {
		preconditions.ResourceVersion = &live.ResourceVersion
	}
	err := client.Delete(ctx, n.Name, metav1.DeleteOptions{Preconditions: preconditions, PropagationPolicy: &policy})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", n, err)
	}
	return nil
}

// patch replaces fields of the metadata of exactly the object that was read.
func (c *Controller) patch(ctx context.Context, client metadata.ResourceInterface, o *metav1.PartialObjectMetadata, fields map[string]any) error {
	fields["uid"], fields["resourceVersion"] = o.UID, o.ResourceVersion
	body, err := json.Marshal(map[string]any{"metadata": fields})
	if err != nil {
		return err
	}
	// A JSON merge patch, as custom resources take no strategic one.
	_, err = client.Patch(ctx, o.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("patching %s %s/%s: %w", o.Kind, o.Namespace, o.Name, err)
	}
	return nil
}

func (c *Controller) dropFinalizer(ctx context.Context, client metadata.ResourceInterface, live *metav1.PartialObjectMetadata, finalizer string) error {
	if !slices.Contains(live.Finalizers, finalizer) {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(live.Finalizers), func(f string) bool { return f == finalizer })
	return c.patch(ctx, client, live, map[string]any{"finalizers": left})
}

func (c *Controller) clientOf(id identity) (metadata.ResourceInterface, error) {
	t, err := c.mapper.find(id.APIVersion, id.Kind)
	if err != nil {
		return nil, err
	}
	if t.namespaced {
		return c.cfg.Metadata.Resource(t.GroupVersionResource).Namespace(id.Namespace), nil
	}
	return c.cfg.Metadata.Resource(t.GroupVersionResource), nil
}

// String names the object in logs and errors.
func (i identity) String() string {
	return fmt.Sprintf("%s %s/%s (%s)", i.Kind, i.Namespace, i.Name, i.UID)
}
