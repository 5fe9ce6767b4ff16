package podtolerationrestriction

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// PluginName is the plugin's name.
const PluginName = "PodTolerationRestriction"

// Plugin changes and checks pods.
type Plugin struct {
	*admission.Handler
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	config     config
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
		c, err := readConfig(r)
		if err != nil {
			return nil, err
		}
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), config: c}, nil
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

func podOf(a admission.Attributes) (*corev1.Pod, bool) {
	if a.GetResource().GroupResource() != corev1.Resource("pods") || a.GetSubresource() != "" {
		return nil, false
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	return pod, ok
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	pod, ok := podOf(a)
	if !ok {
		return nil
	}
	// Tolerations of an update may only be added to, and the defaults were there at creation.
	if a.GetOperation() == admission.Create {
		defaults, _, err := p.list(ctx, a, defaultsAnnotation, p.config.Default)
		if err != nil {
			return err
		}
		pod.Spec.Tolerations = merge(pod.Spec.Tolerations, defaults)
		if podstate.ComputeQOSClass(pod) != corev1.PodQOSBestEffort {
			// Memory pressure evicts pods without requests first; the others may start all the same.
			pod.Spec.Tolerations = merge(pod.Spec.Tolerations, []corev1.Toleration{{
				Key: corev1.TaintNodeMemoryPressure, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule,
			}})
		}
	}
	return p.Validate(ctx, a, o)
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ok := podOf(a)
	if !ok || len(pod.Spec.Tolerations) == 0 {
		return nil
	}
	whitelist, owner, err := p.list(ctx, a, whitelistAnnotation, p.config.Whitelist)
	if err != nil {
		return err
	}
	if !within(pod.Spec.Tolerations, whitelist) {
		return fmt.Errorf("pod tolerations (possibly merged with namespace default tolerations) conflict with its %s whitelist", owner)
	}
	return nil
}

// list is what the namespace says in the annotation, or else what the configuration says for all; owner is the word for who said it.
func (p *Plugin) list(ctx context.Context, a admission.Attributes, annotation string, fallback []corev1.Toleration) (list []corev1.Toleration, owner string, err error) {
	if !p.WaitForReady() {
		return nil, "", admission.NewForbidden(a, errors.New("not yet ready to handle request"))
	}
	ns, err := p.namespaces.Get(a.GetNamespace())
	if apierrors.IsNotFound(err) {
		ns, err = p.client.CoreV1().Namespaces().Get(ctx, a.GetNamespace(), metav1.GetOptions{})
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, "", err
	case err != nil:
		return nil, "", apierrors.NewInternalError(err)
	}
	list, ok, err := annotated(ns, annotation)
	if err != nil || ok {
		return list, "namespace", err
	}
	return fallback, "cluster", nil
}
