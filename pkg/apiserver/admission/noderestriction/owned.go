package noderestriction

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
)

// lease keeps a node to the lease by which it says that it lives.
func lease(r *request) error {
	if r.GetNamespace() != corev1.NamespaceNodeLease {
		return r.refuse("can only access leases in the %q system namespace", corev1.NamespaceNodeLease)
	}
	name := r.GetName()
	if o, ok := r.GetObject().(*coordinationv1.Lease); ok {
		name = r.targetName(o.Name)
	}
	if name != r.node {
		return r.refuse("can only access node lease with the same name as the requesting node")
	}
	return nil
}

func csiNode(r *request) error {
	name := r.GetName()
	if o, ok := r.GetObject().(*storagev1.CSINode); ok {
		name = r.targetName(o.Name)
	}
	if name != r.node {
		return r.refuse("can only access CSINode with the same name as the requesting node")
	}
	return nil
}

// slice lets a node publish the devices it has itself. Whose slice it is does not change after creation, and the authorizer looks
// at it before an update or deletion.
func slice(r *request) error {
	var object runtime.Object
	switch r.GetOperation() {
	case admission.Create:
		object = r.GetObject()
	default:
		return nil
	}
	s, ok := object.(*resourcev1.ResourceSlice)
	if !ok {
		return r.unexpected()
	}
	if s.Spec.NodeName == nil || *s.Spec.NodeName != r.node {
		return r.refuse("can only create ResourceSlice with the same NodeName as the requesting node")
	}
	return nil
}
