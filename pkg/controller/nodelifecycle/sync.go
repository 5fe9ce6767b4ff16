package nodelifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync judges one node.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	n, err := c.nodes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return c.gone(key)
	}
	if err != nil {
		return err
	}
	before, heard := c.remembered(n)
	now := c.clock.Now()
	end := expires(n, heard, c.settings)
	if !end.After(now) {
		if n, err = c.markSilent(ctx, n, metav1.NewTime(now)); err != nil {
			return err
		}
	} else {
		c.queue.EnqueueAfter(key, end.Sub(now)+time.Millisecond)
	}
	status := readiness(n)
	wasFailed := c.zones.allFailed()
	c.zones.set(n.Name, zoneOf(n), status == v1.ConditionTrue)
	if wasFailed != c.zones.allFailed() {
		c.enqueueAll() // evictions stop, or go on, for every node
	}
	return errors.Join(c.notePods(ctx, n, before, status), c.taint(ctx, n))
}

func (c *Controller) gone(key worker.Key) error {
	c.mu.Lock()
	delete(c.known, key.Name)
	c.mu.Unlock()
	wasFailed := c.zones.allFailed()
	c.zones.remove(key.Name)
	if wasFailed != c.zones.allFailed() {
		c.enqueueAll()
	}
	ref := &v1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: key.Name, UID: types.UID(key.Name)}
	c.events.Eventf(ref, v1.EventTypeNormal, "RemovingNode", "Node %s event: Removing Node %s from Controller", key.Name, key.Name)
	return nil
}

// remembered returns the readiness at the last Sync ("" at the first) and the time of the last sign of life.
func (c *Controller) remembered(n *v1.Node) (v1.ConditionStatus, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.known[n.Name]
	if h == nil {
		h = &health{heard: c.clock.Now(), podsMarked: true}
		c.known[n.Name] = h
	}
	if h.ready == "" {
		ref := &v1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}
		c.events.Eventf(ref, v1.EventTypeNormal, "RegisteredNode", "Node %s event: Registered Node %s in Controller", n.Name, n.Name)
	}
	return h.ready, h.heard
}

func (c *Controller) markSilent(ctx context.Context, n *v1.Node, now metav1.Time) (*v1.Node, error) {
	conditions, changed := unknownConditions(n, now)
	if !changed {
		return n, nil
	}
	silent := *n
	silent.Status.Conditions = conditions
	// With the resourceVersion that was read: a heartbeat that arrives now wins.
	updated, err := c.client.CoreV1().Nodes().UpdateStatus(ctx, &silent, metav1.UpdateOptions{})
	if err != nil {
		return n, fmt.Errorf("marking the node as unknown: %w", err)
	}
	return updated, nil
}

// notePods remembers the readiness and marks the pods of a node that stopped being ready.
func (c *Controller) notePods(ctx context.Context, n *v1.Node, before, status v1.ConditionStatus) error {
	c.mu.Lock()
	h := c.known[n.Name]
	if h == nil {
		c.mu.Unlock()
		return nil
	}
	if before != status && status != v1.ConditionTrue && before != "" {
		h.podsMarked = false
		if before == v1.ConditionTrue {
			ref := &v1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}
			c.events.Eventf(ref, v1.EventTypeNormal, "NodeNotReady", "Node %s status is now: NodeNotReady", n.Name)
		}
	} else if before == "" && status != v1.ConditionTrue && condition(n, v1.NodeReady) != nil {
		h.podsMarked = false // this controller may have been away when it happened
	}
	h.ready = status
	mark := !h.podsMarked && status != v1.ConditionTrue
	h.podsMarked = true
	c.mu.Unlock()
	if !mark {
		return nil
	}
	if err := c.markPods(ctx, n.Name); err != nil {
		c.mu.Lock()
		h.podsMarked = false
		c.mu.Unlock()
		return err
	}
	return nil
}

func (c *Controller) taint(ctx context.Context, n *v1.Node) error {
	execute := noExecute(n)
	switch {
	case execute == "" || hasExecute(n, execute):
	case c.zones.allFailed():
		execute = ""
	default:
		// Exchanging one reason for the other is no new eviction.
		other := hasExecute(n, v1.TaintNodeNotReady) || hasExecute(n, v1.TaintNodeUnreachable)
		if ok, wait := c.zones.admit(zoneOf(n)); !other && !ok {
			c.queue.EnqueueAfter(worker.KeyOf(n), wait)
			execute = keep
		}
	}
	if execute != keep && execute != "" && c.zones.allFailed() {
		execute = ""
	}
	taints, changed := taintsWith(n, execute, metav1.NewTime(c.clock.Now()))
	if !changed {
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": n.UID, "resourceVersion": n.ResourceVersion},
		"spec":     map[string]any{"taints": taints},
	})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("setting taints: %w", err)
	}
	return nil
}

func (c *Controller) enqueueAll() {
	all, err := c.nodes.List(labels.Everything())
	if err != nil {
		return
	}
	for _, n := range all {
		c.queue.Enqueue(worker.KeyOf(n))
	}
}
