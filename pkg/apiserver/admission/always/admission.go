package always

import (
	"context"
	"errors"
	"io"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/klog/v2"
)

// Names of the plugins.
const (
	AdmitName = "AlwaysAdmit"
	DenyName  = "AlwaysDeny"
)

// Plugin says the same to every request.
type Plugin struct {
	answer func(admission.Attributes) error
}

var (
	_ admission.MutationInterface   = &Plugin{}
	_ admission.ValidationInterface = &Plugin{}
)

// Register makes AlwaysAdmit known.
func Register(plugins *admission.Plugins) {
	plugins.Register(AdmitName, func(io.Reader) (admission.Interface, error) {
		klog.Background().Info("Admission plugin is deprecated", "plugin", AdmitName)
		return &Plugin{func(admission.Attributes) error { return nil }}, nil
	})
}

// RegisterDeny makes AlwaysDeny known.
func RegisterDeny(plugins *admission.Plugins) {
	plugins.Register(DenyName, func(io.Reader) (admission.Interface, error) {
		klog.Background().Info("Admission plugin is deprecated", "plugin", DenyName)
		return &Plugin{func(a admission.Attributes) error {
			return admission.NewForbidden(a, errors.New("admission control is denying all modifications"))
		}}, nil
	})
}

// Handles implements admission.Interface.
func (p *Plugin) Handles(admission.Operation) bool { return true }

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	return p.answer(a)
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	return p.answer(a)
}
