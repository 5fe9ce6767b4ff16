package alwayspullimages

import (
	"context"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
)

// PluginName is the plugin's name.
const PluginName = "AlwaysPullImages"

// Plugin changes and checks pods.
type Plugin struct{ *admission.Handler }

var (
	_ admission.MutationInterface   = &Plugin{}
	_ admission.ValidationInterface = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}, nil
	})
}

// podOf returns the pod of requests that may bring an image in.
func podOf(a admission.Attributes) (*corev1.Pod, error) {
	if a.GetResource().GroupResource() != corev1.Resource("pods") || a.GetSubresource() != "" && a.GetSubresource() != "ephemeralcontainers" {
		return nil, nil
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	if !ok {
		return nil, apierrors.NewBadRequest("Resource was marked with kind Pod but was unable to be converted")
	}
	if old, ok := a.GetOldObject().(*corev1.Pod); ok && a.GetOperation() == admission.Update && images(old).IsSuperset(images(pod)) {
		// Nothing of an update without a new image could be changed: the policy of a container is fixed.
		return nil, nil
	}
	return pod, nil
}

func images(pod *corev1.Pod) sets.Set[string] {
	all := sets.New[string]()
	each(pod, func(_ *field.Path, image string, _ *corev1.PullPolicy) { all.Insert(image) })
	return all
}

// each visits all containers and the volumes that are images.
func each(pod *corev1.Pod, visit func(path *field.Path, image string, policy *corev1.PullPolicy)) {
	spec := field.NewPath("spec")
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		visit(spec.Child("initContainers").Index(i).Child("imagePullPolicy"), c.Image, &c.ImagePullPolicy)
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		visit(spec.Child("containers").Index(i).Child("imagePullPolicy"), c.Image, &c.ImagePullPolicy)
	}
	for i := range pod.Spec.EphemeralContainers {
		c := &pod.Spec.EphemeralContainers[i]
		visit(spec.Child("ephemeralContainers").Index(i).Child("imagePullPolicy"), c.Image, &c.ImagePullPolicy)
	}
	for i := range pod.Spec.Volumes {
		if v := pod.Spec.Volumes[i].Image; v != nil {
			visit(spec.Child("volumes").Index(i).Child("image", "pullPolicy"), v.Reference, &v.PullPolicy)
		}
	}
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, err := podOf(a)
	if err != nil || pod == nil {
		return err
	}
	each(pod, func(_ *field.Path, _ string, policy *corev1.PullPolicy) { *policy = corev1.PullAlways })
	return nil
}

// Validate implements admission.ValidationInterface: a webhook may have changed the policy back.
func (p *Plugin) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, err := podOf(a)
	if err != nil || pod == nil {
		return err
	}
	var errs []error
	each(pod, func(path *field.Path, _ string, policy *corev1.PullPolicy) {
		if *policy != corev1.PullAlways {
			errs = append(errs, admission.NewForbidden(a, field.NotSupported(path, *policy, []string{string(corev1.PullAlways)})))
		}
	})
	return utilerrors.NewAggregate(errs)
}
