package pod

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"

	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
)

// finder reads pods for the subresources that reach into them.
type finder struct{ store *genericregistry.Store }

func (f *finder) pod(ctx context.Context, name string) (*corev1.Pod, error) {
	obj, err := f.store.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("unexpected type %T in the storage of pods", obj))
	}
	return pod, nil
}

// container returns the container the request means: the named one, or the only one there is.
func container(pod *corev1.Pod, name string) (string, error) {
	if name != "" {
		if hasContainer(pod, name) {
			return name, nil
		}
		return "", apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", name, pod.Name))
	}
	switch n := len(pod.Spec.Containers); n {
	case 1:
		return pod.Spec.Containers[0].Name, nil
	case 0:
		return "", apierrors.NewBadRequest("a container name must be specified for pod " + pod.Name)
	}
	var names []string
	for _, c := range pod.Spec.InitContainers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		names = append(names, c.Name)
	}
	return "", apierrors.NewBadRequest(fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(names, " ")))
}

func hasContainer(pod *corev1.Pod, name string) bool {
	for _, c := range pod.Spec.Containers {
		if c.Name == name {
			return true
		}
	}
	for _, c := range pod.Spec.InitContainers {
		if c.Name == name {
			return true
		}
	}
	for _, c := range pod.Spec.EphemeralContainers {
		if c.Name == name {
			return true
		}
	}
	return false
}

// hostOf returns the node of the pod; without one there is no kubelet to ask.
func hostOf(pod *corev1.Pod) (string, error) {
	if pod.Spec.NodeName == "" {
		return "", apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", pod.Name))
	}
	return pod.Spec.NodeName, nil
}

// dial reaches the kubelet of a node. A node that is not there is told as upstream does: as if it were a pod.
func dial(ctx context.Context, kubelets Kubelets, node string) (*kubeletclient.Connection, error) {
	k, err := kubelets.Connect(ctx, types.NodeName(node))
	if apierrors.IsNotFound(err) {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, node)
	}
	return k, err
}
