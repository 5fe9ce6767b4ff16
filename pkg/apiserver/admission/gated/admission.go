package gated

import (
	"context"
	"io"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/component-base/featuregate"
	"k8s.io/klog/v2"
)

// Names of the plugins.
const (
	PodGroupProtection     = "PodGroupProtection"
	PodGroupWorkloadExists = "PodGroupWorkloadExists"
	JobValidation          = "JobValidation"
)

// workloads is the gate of PodGroups and Workloads, without which none of the plugins acts upstream either.
const workloads featuregate.Feature = "GenericWorkload"

// Plugin handles no operation.
type Plugin struct {
	*admission.Handler
	name string
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsFeatures     = &Plugin{}
)

// Register returns what makes the named plugin known.
func Register(name string) func(*admission.Plugins) {
	return func(plugins *admission.Plugins) {
		plugins.Register(name, func(io.Reader) (admission.Interface, error) {
			return &Plugin{Handler: admission.NewHandler(), name: name}, nil
		})
	}
}

// InspectFeatureGates implements initializer.WantsFeatures.
func (p *Plugin) InspectFeatureGates(g featuregate.FeatureGate) {
	if g.Enabled(workloads) {
		klog.Background().Info("Admission plugin has no effect: PodGroups and Workloads are not served", "plugin", p.name, "gate", workloads)
	}
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error { return nil }

// Validate implements admission.ValidationInterface; the handler lets no operation come here.
func (p *Plugin) Validate(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return nil
}
