package nodedeclaredfeatures

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
)

// PluginName is the plugin's name.
const PluginName = "NodeDeclaredFeatureValidator"

const gate featuregate.Feature = "NodeDeclaredFeatures"

// Plugin checks pods.
type Plugin struct {
	*admission.Handler
	nodes    corelisters.NodeLister
	enabled  bool
	version  *version.Version
	features *ndf.Framework
}

var (
	_ admission.ValidationInterface                = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ initializer.WantsFeatures                    = &Plugin{}
	_ initializer.WantsEffectiveVersion            = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Update), features: ndf.DefaultFramework}, nil
	})
}

// InspectFeatureGates implements initializer.WantsFeatures.
func (p *Plugin) InspectFeatureGates(g featuregate.FeatureGate) { p.enabled = g.Enabled(gate) }

// InspectEffectiveVersion implements initializer.WantsEffectiveVersion: features that every node of the version has need not be
// declared.
func (p *Plugin) InspectEffectiveVersion(v compatibility.EffectiveVersion) {
	p.version = v.EmulationVersion()
}

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	nodes := f.Core().V1().Nodes()
	p.nodes = nodes.Lister()
	p.SetReadyFunc(nodes.Informer().HasSynced)
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.nodes == nil || p.version == nil {
		return fmt.Errorf("%s needs informers and the version", PluginName)
	}
	return nil
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	sub := a.GetSubresource()
	if !p.enabled || a.GetResource().GroupResource() != corev1.Resource("pods") || sub != "" && sub != "resize" {
		return nil
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	old, okOld := a.GetOldObject().(*corev1.Pod)
	if !ok || !okOld {
		return apierrors.NewBadRequest(fmt.Sprintf("expected *v1.Pod but got %T", a.GetObject()))
	}
	// The scheduler finds a fitting node for a pod that has none.
	if pod.Spec.NodeName == "" {
		return nil
	}
	// The library compares init containers one by one; their number cannot change in a valid update.
	if len(pod.Spec.InitContainers) != len(old.Spec.InitContainers) {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, fmt.Errorf("not yet ready to handle request"))
	}
	return p.check(a, pod, old)
}

func (p *Plugin) check(a admission.Attributes, pod, old *corev1.Pod) error {
	needed, err := p.features.InferForPodUpdate(podInfo(old), podInfo(pod), p.version)
	if err != nil {
		return admission.NewForbidden(a, fmt.Errorf("failed to infer pod feature requirements: %w", err))
	}
	if needed.IsEmpty() {
		return nil
	}
	node, err := p.nodes.Get(pod.Spec.NodeName)
	if err != nil {
		return admission.NewForbidden(a, err)
	}
	result, err := p.features.MatchNode(needed, node)
	if err != nil {
		return admission.NewForbidden(a, fmt.Errorf("failed to match pod requirements against node %q: %w", node.Name, err))
	}
	if !result.IsMatch {
		return admission.NewForbidden(a, fmt.Errorf("pod update requires features %s which are not available on node %q", strings.Join(result.UnsatisfiedRequirements, ", "), node.Name))
	}
	return nil
}

func podInfo(pod *corev1.Pod) *ndf.PodInfo { return &ndf.PodInfo{Spec: &pod.Spec, Status: &pod.Status} }
