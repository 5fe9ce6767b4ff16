package podnodeselector

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// PluginName is the plugin's name.
const PluginName = "PodNodeSelector"

// annotation of a namespace holds its selector.
const annotation = "scheduler.alpha.kubernetes.io/node-selector"

// Plugin changes and checks pods.
type Plugin struct {
	*admission.Handler
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	// selectors are those of the configuration, by namespace.
	selectors map[string]string
}

var (
	_ admission.MutationInterface                  = &Plugin{}
	_ admission.ValidationInterface                = &Plugin{}
	_ initializer.WantsExternalKubeClientSet       = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(r io.Reader) (admission.Interface, error) {
		selectors, err := readConfig(r)
		if err != nil {
			return nil, err
		}
		return &Plugin{Handler: admission.NewHandler(admission.Create), selectors: selectors}, nil
	})
}

// SetExternalKubeClientSet implements initializer.WantsExternalKubeClientSet.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.client = c }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	namespaces := f.Core().V1().Namespaces()
	p.namespaces = namespaces.Lister()
	p.SetReadyFunc(namespaces.Informer().HasSynced)
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.namespaces == nil {
		return fmt.Errorf("%s needs a client and informers", PluginName)
	}
	return nil
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, selector, err := p.read(ctx, a)
	if err != nil || pod == nil {
		return err
	}
	if labels.Conflicts(selector, pod.Spec.NodeSelector) {
		return conflict(a, "pod node label selector conflicts with its namespace node label selector")
	}
	pod.Spec.NodeSelector = labels.Merge(selector, pod.Spec.NodeSelector)
	return p.Validate(ctx, a, nil)
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, selector, err := p.read(ctx, a)
	if err != nil || pod == nil {
		return err
	}
	if labels.Conflicts(selector, pod.Spec.NodeSelector) {
		return conflict(a, "pod node label selector conflicts with its namespace node label selector")
	}
	// The configuration of a namespace is the whole of what its pods may select.
	allowed, err := labels.ConvertSelectorToLabelsMap(p.selectors[a.GetNamespace()])
	if err != nil {
		return err
	}
	if len(allowed) > 0 && !within(pod.Spec.NodeSelector, allowed) {
		return conflict(a, "pod node label selector labels conflict with its namespace whitelist")
	}
	return nil
}

func within(list, allowed labels.Set) bool {
	for k, v := range list {
		if own, ok := allowed[k]; !ok || own != v {
			return false
		}
	}
	return true
}

func conflict(a admission.Attributes, what string) error {
	pod, _ := a.GetObject().(*corev1.Pod)
	return apierrors.NewForbidden(corev1.Resource("pods"), pod.Name, fmt.Errorf("%s", what))
}

// read returns the pod of the request, if it is about one, and the selector of its namespace.
func (p *Plugin) read(ctx context.Context, a admission.Attributes) (*corev1.Pod, labels.Set, error) {
	if a.GetResource().GroupResource() != corev1.Resource("pods") || a.GetSubresource() != "" {
		return nil, nil, nil
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	if !ok {
		return nil, nil, nil
	}
	if !p.WaitForReady() {
		return nil, nil, admission.NewForbidden(a, fmt.Errorf("not yet ready to handle request"))
	}
	namespace, err := p.namespaces.Get(a.GetNamespace())
	if apierrors.IsNotFound(err) {
		namespace, err = p.client.CoreV1().Namespaces().Get(ctx, a.GetNamespace(), metav1.GetOptions{})
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, err
	case err != nil:
		return nil, nil, apierrors.NewInternalError(err)
	}
	text, ok := namespace.Annotations[annotation]
	if !ok {
		text = p.selectors[clusterDefault]
	}
	selector, err := labels.ConvertSelectorToLabelsMap(text)
	return pod, selector, err
}
