package podcontrol

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
)

// Event reasons, as upstream.
const (
	SuccessfulCreate = "SuccessfulCreate"
	FailedCreate     = "FailedCreate"
	SuccessfulDelete = "SuccessfulDelete"
	FailedDelete     = "FailedDelete"
)

// Control writes pods and tells about it in events on their owner.
type Control struct {
	Client kubernetes.Interface
	Events record.EventRecorder
}

// FromTemplate returns the pod that the template describes, owned by owner.
func FromTemplate(t *v1.PodTemplateSpec, owner metav1.Object, ref *metav1.OwnerReference) *v1.Pod {
	t = t.DeepCopy()
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: owner.GetName() + "-",
			Namespace:    owner.GetNamespace(),
			Labels:       t.Labels,
			Annotations:  t.Annotations,
			Finalizers:   t.Finalizers,
		},
		Spec: t.Spec,
	}
	if ref != nil {
		p.OwnerReferences = []metav1.OwnerReference{*ref}
	}
	return p
}

// Create creates the pod. In a namespace that is being deleted it returns an error for which IsTerminating is true, and
// writes no event: nobody could read it.
func (c Control) Create(ctx context.Context, pod *v1.Pod, owner runtime.Object) (*v1.Pod, error) {
	created, err := c.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		if !IsTerminating(err) && !apierrors.IsAlreadyExists(err) {
			c.Events.Eventf(owner, v1.EventTypeWarning, FailedCreate, "Error creating: %v", err)
		}
		return nil, fmt.Errorf("creating a pod: %w", err)
	}
	c.Events.Eventf(owner, v1.EventTypeNormal, SuccessfulCreate, "Created pod: %v", created.Name)
	return created, nil
}

// Delete deletes the pod if it is still the same one. A pod that is gone is no error.
func (c Control) Delete(ctx context.Context, pod *v1.Pod, owner runtime.Object) error {
	uid := pod.UID
	err := c.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		return nil
	case err != nil:
		c.Events.Eventf(owner, v1.EventTypeWarning, FailedDelete, "Error deleting: %v", err)
		return fmt.Errorf("deleting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	c.Events.Eventf(owner, v1.EventTypeNormal, SuccessfulDelete, "Deleted pod: %v", pod.Name)
	return nil
}

// Patch sends a strategic merge patch; its signature is that of ownership.Claimer.
func (c Control) Patch(ctx context.Context, pod *v1.Pod, patch []byte) error {
	_, err := c.Client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}

// IsTerminating tells whether the write was refused because the namespace is being deleted. Nothing can be created there any
// more, so trying again is of no use.
func IsTerminating(err error) bool {
	return apierrors.HasStatusCause(err, v1.NamespaceTerminatingCause)
}
