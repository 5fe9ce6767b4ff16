package admission

import (
	"context"
	"sync/atomic"

	"k8s.io/apiserver/pkg/admission"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// idle passes over the webhooks' plugins while there are no webhooks: for each write they copy the object, to see later whether it has been changed.
func idle(f informers.SharedInformerFactory) admission.DecoratorFunc {
	namespaces := f.Core().V1().Namespaces().Informer()
	return func(plugin admission.Interface, name string) admission.Interface {
		if feature.DefaultFeatureGate.Enabled(features.ManifestBasedAdmissionControlConfig) {
			return plugin // webhooks may come from files, too
		}
		switch p := plugin.(type) {
		case *mutatingwebhook.Plugin:
			return &idleMutation{p, absence{objects: f.Admissionregistration().V1().MutatingWebhookConfigurations().Informer(), namespaces: namespaces}}
		case *validatingwebhook.Plugin:
			return &idleValidation{p, absence{objects: f.Admissionregistration().V1().ValidatingWebhookConfigurations().Informer(), namespaces: namespaces}}
		}
		return plugin
	}
}

// absence tells that there are no objects. Until it is known, the plugin says what it says while it is not ready.
type absence struct {
	objects, namespaces cache.SharedIndexInformer
	known               atomic.Bool
}

func (a *absence) sure() bool {
	if !a.known.Load() {
		if !a.objects.HasSynced() || !a.namespaces.HasSynced() {
			return false
		}
		a.known.Store(true)
	}
	return len(a.objects.GetStore().List()) == 0
}

type idleMutation struct {
	admission.MutationInterface
	none absence
}

// Admit lets webhooks change the object.
func (p *idleMutation) Admit(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	if p.none.sure() {
		return nil
	}
	return p.MutationInterface.Admit(ctx, a, o)
}

type idleValidation struct {
	admission.ValidationInterface
	none absence
}

// Validate asks webhooks about the object.
func (p *idleValidation) Validate(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	if p.none.sure() {
		return nil
	}
	return p.ValidationInterface.Validate(ctx, a, o)
}
