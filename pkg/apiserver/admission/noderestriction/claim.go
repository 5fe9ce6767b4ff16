package noderestriction

import (
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apiserver/pkg/admission"
)

// claim lets a kubelet report the progress of a volume's expansion and nothing else.
func claim(r *request) error {
	if r.GetSubresource() != "status" {
		return r.refuse("may only update PVC status")
	}
	if r.GetOperation() != admission.Update {
		return r.refuse("unexpected operation %q", r.GetOperation())
	}
	now, ok := r.GetObject().(*corev1.PersistentVolumeClaim)
	old, okOld := r.GetOldObject().(*corev1.PersistentVolumeClaim)
	if !ok || !okOld {
		return r.unexpected()
	}
	old, now = withoutProgress(old), withoutProgress(now)
	if !apiequality.Semantic.DeepEqual(old, now) {
		return r.refuse("node %q is not allowed to update fields other than status.quantity and status.conditions: %v", r.node, diff.Diff(old, now))
	}
	return nil
}

// withoutProgress is the claim without what a kubelet reports.
func withoutProgress(c *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	c = c.DeepCopy()
	s := &c.Status
	s.Capacity, s.Conditions, s.AllocatedResources, s.AllocatedResourceStatuses = nil, nil, nil, nil
	c.ManagedFields = nil
	return c
}
