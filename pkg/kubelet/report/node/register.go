package node

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	nodeutil "k8s.io/component-helpers/node/util"
	"k8s.io/klog/v2"
	kubeletapis "k8s.io/kubelet/pkg/apis"
)

const (
	firstRegisterRetry = 100 * time.Millisecond
	lastRegisterRetry  = 7 * time.Second
)

// register creates the node, or brings an existing one in line, trying until ctx ends.
func (r *Reporter) register(ctx context.Context) error {
	for wait := firstRegisterRetry; ; wait = min(2*wait, lastRegisterRetry) {
		err := r.registerOnce(ctx)
		if err == nil {
			klog.FromContext(ctx).Info("Registered node", "node", r.cfg.NodeName)
			close(r.registered)
			return nil
		}
		if ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Registering node", "node", r.cfg.NodeName)
		}
		timer := r.cfg.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C():
		}
	}
}

func (r *Reporter) registerOnce(ctx context.Context) error {
	nodes := r.cfg.Client.CoreV1().Nodes()
	wanted, changed := r.build(r.initial(), r.measure(ctx))
	var existing *v1.Node
	var err error
	if r.cfg.Register {
		// With its status, so that a node whose runtime is up is Ready from its first moment.
		created, err := nodes.Create(ctx, wanted, metav1.CreateOptions{})
		if err == nil {
			r.accept(created, wanted)
			r.announce(created, changed)
			return nil
		}
		// Forbidden may mean: exists, and may not be created again by this user.
		if !apierrors.IsAlreadyExists(err) && !apierrors.IsForbidden(err) {
			return fmt.Errorf("creating node: %w", err)
		}
		if existing, getErr := nodes.Get(ctx, r.cfg.NodeName, metav1.GetOptions{}); getErr != nil {
			return fmt.Errorf("creating node: %w (and looking for an existing one: %v)", err, getErr)
		} else if err := r.reconcile(ctx, existing, wanted); err != nil {
			return err
		}
		return nil
	}
	if existing, err = nodes.Get(ctx, r.cfg.NodeName, metav1.GetOptions{}); err != nil {
		return fmt.Errorf("waiting for the node to be registered: %w", err)
	}
	r.accept(existing, existing)
	return nil
}

// reconcile brings the labels and annotations that are the kubelet's in line and leaves everybody else's.
func (r *Reporter) reconcile(ctx context.Context, existing, wanted *v1.Node) error {
	node := existing.DeepCopy()
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	if node.Annotations == nil {
		node.Annotations = map[string]string{}
	}
	for key, value := range wanted.Labels {
		if _, asked := r.cfg.Labels[key]; asked || kubeletOwns(key) {
			node.Labels[key] = value
		}
	}
	maps.Copy(node.Annotations, wanted.Annotations)
	// Resources of device plugins are nobody's until the plugins come back.
	for name := range node.Status.Capacity {
		if strings.Contains(string(name), "/") {
			zero := node.Status.Capacity[name].DeepCopy()
			zero.Set(0)
			node.Status.Capacity[name], node.Status.Allocatable[name] = zero, zero
		}
	}
	meta := existing.DeepCopy()
	meta.Labels, meta.Annotations = node.Labels, node.Annotations
	if !apiequality.Semantic.DeepEqual(existing.ObjectMeta, meta.ObjectMeta) {
		if err := r.patchMeta(ctx, existing, meta); err != nil {
			return err
		}
	}
	if !apiequality.Semantic.DeepEqual(existing.Status, node.Status) {
		if _, _, err := nodeutil.PatchNodeStatus(r.cfg.Client.CoreV1(), types.NodeName(r.cfg.NodeName), existing, node); err != nil {
			return fmt.Errorf("clearing resources of devices: %w", err)
		}
	}
	r.accept(node, node)
	return nil
}

// kubeletOwns are the labels that a kubelet may set on a node that exists.
func kubeletOwns(key string) bool {
	switch key {
	case v1.LabelHostname, v1.LabelOSStable, v1.LabelArchStable, kubeletapis.LabelOS, kubeletapis.LabelArch,
		v1.LabelTopologyZone, v1.LabelTopologyRegion, v1.LabelInstanceTypeStable:
		return true
	}
	return false
}

func (r *Reporter) accept(known, latest *v1.Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = known
	r.latest = latest.DeepCopy()
	r.latest.ObjectMeta = known.ObjectMeta
	r.latest.Spec = known.Spec
}
