package node

import (
	"context"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/klog/v2"
)

// lease keeps the node's lease: the sign of life that the node lifecycle controller looks at.
func (r *Reporter) lease(ctx context.Context) {
	renew := time.Duration(r.cfg.LeaseSeconds) * time.Second / 4
	failed := func() {
		klog.FromContext(ctx).Info("The node's lease could not be renewed several times; the cluster may take this node for lost")
	}
	lease.NewController(r.cfg.Clock, r.cfg.Client, r.cfg.NodeName, r.cfg.LeaseSeconds, failed, renew,
		r.cfg.NodeName, v1.NamespaceNodeLease, r.own).Run(ctx)
}

// own makes the node the lease's owner, so that both go together.
func (r *Reporter) own(l *coordinationv1.Lease) error {
	if len(l.OwnerReferences) > 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: r.cfg.NodeName, UID: r.known.UID}}
	return nil
}
