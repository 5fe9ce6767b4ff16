package denyserviceexternalips

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
)

// PluginName is the plugin's name.
const PluginName = "DenyServiceExternalIPs"

// Plugin checks services.
type Plugin struct{ *admission.Handler }

var _ admission.ValidationInterface = &Plugin{}

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}, nil
	})
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetResource().GroupResource() != corev1.Resource("services") || a.GetSubresource() != "" {
		return nil
	}
	now, ok := a.GetObject().(*corev1.Service)
	if !ok {
		return admission.NewForbidden(a, fmt.Errorf("unexpected type %T", a.GetObject()))
	}
	had := sets.New[string]()
	if old, ok := a.GetOldObject().(*corev1.Service); ok {
		had.Insert(old.Spec.ExternalIPs...)
	}
	if !had.HasAll(now.Spec.ExternalIPs...) {
		return admission.NewForbidden(a, fmt.Errorf("Use of external IPs is denied by admission control"))
	}
	return nil
}
