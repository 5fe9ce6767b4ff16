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

// base handles no operation.
type base struct {
	*admission.Handler
	name string
}

type (
	// Mutating takes the place of a plugin that changes objects.
	Mutating struct{ base }
	// Validating takes the place of a plugin that checks objects.
	Validating struct{ base }
)

var (
	_ admission.MutationInterface   = &Mutating{}
	_ admission.ValidationInterface = &Validating{}
	_ initializer.WantsFeatures     = &base{}
)

// Register returns what makes the named plugin known.
func Register(name string) func(*admission.Plugins) {
	return func(plugins *admission.Plugins) {
		plugins.Register(name, func(io.Reader) (admission.Interface, error) {
			b := base{Handler: admission.NewHandler(), name: name}
			if name == PodGroupProtection {
				return &Mutating{b}, nil
			}
			return &Validating{b}, nil
		})
	}
}

// InspectFeatureGates implements initializer.WantsFeatures.
func (p *base) InspectFeatureGates(g featuregate.FeatureGate) {
	if g.Enabled(workloads) {
		klog.Background().Info("Admission plugin has no effect: PodGroups and Workloads are not served", "plugin", p.name, "gate", workloads)
	}
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *base) ValidateInitialization() error { return nil }

// Admit implements admission.MutationInterface; the handler lets no operation come here.
func (p *Mutating) Admit(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return nil
}

// Validate implements admission.ValidationInterface; the handler lets no operation come here.
func (p *Validating) Validate(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return nil
}
