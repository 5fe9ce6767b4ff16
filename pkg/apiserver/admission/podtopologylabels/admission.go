package podtopologylabels

import (
	"context"
	"fmt"
	"io"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/component-base/featuregate"
)

// PluginName is the plugin's name.
const PluginName = "PodTopologyLabels"

const gate featuregate.Feature = "PodTopologyLabelsAdmission"

// copied are the labels that pods get.
var copied = []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion}

// Plugin changes bindings and pods that come bound.
type Plugin struct {
	*admission.Handler
	nodes   corelisters.NodeLister
	enabled bool
}

var (
	_ admission.MutationInterface                  = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ initializer.WantsFeatures                    = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create)}, nil
	})
}

// InspectFeatureGates implements initializer.WantsFeatures.
func (p *Plugin) InspectFeatureGates(g featuregate.FeatureGate) { p.enabled = g.Enabled(gate) }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	nodes := f.Core().V1().Nodes()
	p.nodes = nodes.Lister()
	p.SetReadyFunc(nodes.Informer().HasSynced)
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.nodes == nil {
		return fmt.Errorf("%s needs informers", PluginName)
	}
	return nil
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if !p.enabled {
		return nil
	}
	switch o := a.GetObject().(type) {
	case *corev1.Binding:
		// The same for pods/binding and for bindings of the namespace. Only nodes have zones.
		if o.Target.Kind == "Node" || o.Target.Kind == "" {
			return p.label(a, o.Target.Name, &o.Labels)
		}
	case *corev1.Pod:
		if a.GetSubresource() == "" && o.Spec.NodeName != "" {
			return p.label(a, o.Spec.NodeName, &o.Labels)
		}
	}
	return nil
}

// label sets the node's values over those that are there: what is said about a place must be true.
func (p *Plugin) label(a admission.Attributes, node string, to *map[string]string) error {
	if !p.WaitForReady() {
		return admission.NewForbidden(a, fmt.Errorf("not yet ready to handle request"))
	}
	n, err := p.nodes.Get(node)
	if apierrors.IsNotFound(err) {
		// A pod may be bound to a node that comes later.
		return nil
	}
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("reading node %q: %w", node, err))
	}
	found := map[string]string{}
	for _, l := range copied {
		if v, ok := n.Labels[l]; ok {
			found[l] = v
		}
	}
	if len(found) == 0 {
		return nil
	}
	if *to == nil {
		*to = map[string]string{}
	}
	maps.Copy(*to, found)
	return nil
}
