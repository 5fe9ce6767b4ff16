package noderestriction

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/utils/ptr"
)

func (p *Plugin) pod(r *request) error {
	switch r.GetSubresource() {
	case "":
		switch r.GetOperation() {
		case admission.Create:
			return p.mirror(r)
		case admission.Delete:
			return p.deletion(r)
		}
		return r.refuse("unexpected operation %q, node %q can only create and delete mirror pods", r.GetOperation(), r.node)
	case "status":
		return podStatus(r)
	case "eviction":
		return p.eviction(r)
	}
	return r.refuse("unexpected pod subresource %q, only 'status' and 'eviction' are allowed", r.GetSubresource())
}

// mirror lets a node create the picture of a static pod: bound to it, owned by it, and with nothing that would give the node
// access to objects it has no other reason to read.
func (p *Plugin) mirror(r *request) error {
	pod, ok := r.GetObject().(*corev1.Pod)
	if !ok {
		return r.unexpected()
	}
	if _, is := pod.Annotations[corev1.MirrorPodAnnotationKey]; !is {
		return r.refuse("pod does not have %q annotation, node %q can only create mirror pods", corev1.MirrorPodAnnotationKey, r.node)
	}
	if pod.Spec.NodeName != r.node {
		return r.refuse("node %q can only create pods with spec.nodeName set to itself", r.node)
	}
	if err := p.owner(r, pod); err != nil {
		return err
	}
	if what := refersTo(pod); what != "" {
		return r.refuse("node %q can not create pods that reference %s", r.node, what)
	}
	return nil
}

func (p *Plugin) owner(r *request, pod *corev1.Pod) error {
	if len(pod.OwnerReferences) != 1 {
		return r.refuse("node %q can only create pods with an owner reference set to itself", r.node)
	}
	o := pod.OwnerReferences[0]
	if o.APIVersion != corev1.SchemeGroupVersion.String() || o.Kind != "Node" || o.Name != r.node {
		return r.refuse("node %q can only create pods with an owner reference set to itself", r.node)
	}
	if !ptr.Deref(o.Controller, false) {
		return r.refuse("node %q can only create pods with a controller owner reference set to itself", r.node)
	}
	if ptr.Deref(o.BlockOwnerDeletion, false) {
		return r.refuse("node %q must not set blockOwnerDeletion on an owner reference", r.node)
	}
	node, err := p.nodes.Get(r.node)
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		return r.refuse("looking up node %s to validate uid: %w", r.node, err)
	case node.UID != o.UID:
		return r.refuse("node %s UID mismatch: expected %s got %s", r.node, o.UID, node.UID)
	}
	return nil
}

func (p *Plugin) deletion(r *request) error {
	pod, err := p.pods.Pods(r.GetNamespace()).Get(r.GetName())
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		return r.refuse("looking up pod: %w", err)
	case pod.Spec.NodeName != r.node:
		return r.refuse("node %q can only delete pods with spec.nodeName set to itself", r.node)
	}
	return nil
}

func podStatus(r *request) error {
	if r.GetOperation() != admission.Update {
		return r.refuse("unexpected operation %q, node %q can only update pod status", r.GetOperation(), r.node)
	}
	pod, ok := r.GetObject().(*corev1.Pod)
	old, okOld := r.GetOldObject().(*corev1.Pod)
	switch {
	case !ok || !okOld:
		return r.unexpected()
	case old.Spec.NodeName != r.node:
		return r.refuse("node %q can only update pod status for pods with spec.nodeName set to itself", r.node)
	case !apiequality.Semantic.DeepEqual(old.Labels, pod.Labels):
		return r.refuse("node %q cannot update labels through pod status", r.node)
	case !apiequality.Semantic.DeepEqual(old.Status.ResourceClaimStatuses, pod.Status.ResourceClaimStatuses):
		// Spelled as upstream spells it.
		return r.refuse("node %q cannot update resource claim statues", r.node)
	case !apiequality.Semantic.DeepEqual(old.Status.ExtendedResourceClaimStatus, pod.Status.ExtendedResourceClaimStatus):
		return r.refuse("node %q cannot update extended resource claim status", r.node)
	}
	return nil
}

func (p *Plugin) eviction(r *request) error {
	if r.GetOperation() != admission.Create {
		return r.refuse("unexpected operation %s", r.GetOperation())
	}
	eviction, ok := r.GetObject().(*policyv1.Eviction)
	if !ok {
		return r.unexpected()
	}
	// An eviction may leave out its name; the URL then says which pod is meant.
	name := r.GetName()
	if name == "" {
		name = eviction.Name
	}
	if name == "" {
		return r.refuse("could not determine pod from request data")
	}
	pod, err := p.pods.Pods(r.GetNamespace()).Get(name)
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		return r.refuse("looking up pod: %w", err)
	case pod.Spec.NodeName != r.node:
		return r.refuse("node %s can only evict pods with spec.nodeName set to itself", r.node)
	}
	return nil
}

func (r *request) unexpected() error {
	return r.refuse("unexpected type %T", r.GetObject())
}
