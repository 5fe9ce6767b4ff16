package imagepolicy

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/klog/v2"
)

// PluginName is the plugin's name.
const PluginName = "ImagePolicyWebhook"

const (
	// auditPrefix starts the keys of the webhook's notes in the audit log.
	auditPrefix = "imagepolicywebhook.image-policy.k8s.io/"
	// failedOpen marks there that the webhook could not be asked. A validating plugin cannot mark the pod itself.
	failedOpen = auditPrefix + "failed-open"
)

// Plugin checks pods.
type Plugin struct {
	*admission.Handler
	reviewer *reviewer
}

var _ admission.ValidationInterface = &Plugin{}

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(r io.Reader) (admission.Interface, error) {
		s, err := readConfig(r)
		if err != nil {
			return nil, err
		}
		reviewer, err := newReviewer(s)
		if err != nil {
			return nil, err
		}
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), reviewer: reviewer}, nil
	})
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	sub := a.GetSubresource()
	if a.GetResource().GroupResource() != corev1.Resource("pods") || sub != "" && sub != "ephemeralcontainers" {
		return nil
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	if !ok {
		return apierrors.NewBadRequest("Resource was marked with kind Pod but was unable to be converted")
	}
	// An update that brings no image in was decided when they came.
	if old, ok := a.GetOldObject().(*corev1.Pod); ok && a.GetOperation() == admission.Update && images(old).IsSuperset(images(pod)) {
		return nil
	}
	status, err := p.reviewer.review(ctx, specOf(pod, a.GetNamespace()))
	if err != nil {
		return p.unreachable(ctx, a, err)
	}
	for k, v := range status.AuditAnnotations {
		if err := a.AddAnnotation(auditPrefix+k, v); err != nil {
			klog.FromContext(ctx).Error(err, "Could not annotate the audit event", "key", auditPrefix+k)
		}
	}
	switch {
	case status.Allowed:
		return nil
	case status.Reason != "":
		return admission.NewForbidden(a, fmt.Errorf("image policy webhook backend denied one or more images: %s", status.Reason))
	}
	return admission.NewForbidden(a, errors.New("one or more images rejected by webhook backend"))
}

// unreachable says what happens when the webhook gave no answer.
func (p *Plugin) unreachable(ctx context.Context, a admission.Attributes, err error) error {
	logger := klog.FromContext(ctx)
	logger.V(2).Info("Could not ask the image policy webhook", "err", err)
	if !p.reviewer.settings.DefaultAllow {
		return admission.NewForbidden(a, err)
	}
	if err := a.AddAnnotation(failedOpen, "true"); err != nil {
		logger.Error(err, "Could not annotate the audit event", "key", failedOpen)
	}
	return nil
}

func images(pod *corev1.Pod) sets.Set[string] {
	all := sets.New[string]()
	for _, c := range specOf(pod, "").Containers {
		all.Insert(c.Image)
	}
	return all
}
