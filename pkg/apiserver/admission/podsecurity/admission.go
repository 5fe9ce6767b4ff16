package podsecurity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/metrics/legacyregistry"
	psadmission "k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/admission/api/load"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	"k8s.io/pod-security-admission/policy"
)

// PluginName is the plugin's name.
const PluginName = "PodSecurity"

// Plugin checks pods, workloads and namespaces.
type Plugin struct {
	*admission.Handler
	delegate   *psadmission.Admission
	version    *api.Version
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	pods       corelisters.PodLister
}

var (
	_ admission.ValidationInterface                = &Plugin{}
	_ initializer.WantsExternalKubeClientSet       = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ initializer.WantsEffectiveVersion            = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(r io.Reader) (admission.Interface, error) { return newPlugin(r) })
}

// recorder is one for the process: the API server library has one registry for all servers of a process.
var recorder = sync.OnceValue(func() *metrics.PrometheusRecorder {
	r := metrics.NewPrometheusRecorder(api.GetAPIVersion())
	r.MustRegister(legacyregistry.MustRegister)
	return r
})

func newPlugin(r io.Reader) (*Plugin, error) {
	config, err := load.LoadFromReader(r)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", PluginName, err)
	}
	return &Plugin{
		Handler:  admission.NewHandler(admission.Create, admission.Update),
		delegate: &psadmission.Admission{Configuration: config, Metrics: recorder(), PodSpecExtractor: psadmission.DefaultPodSpecExtractor{}},
	}, nil
}

// SetExternalKubeClientSet implements initializer.WantsExternalKubeClientSet.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.client = c }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	namespaces, pods := f.Core().V1().Namespaces(), f.Core().V1().Pods()
	p.namespaces, p.pods = namespaces.Lister(), pods.Lister()
	synced := []cache.InformerSynced{namespaces.Informer().HasSynced, pods.Informer().HasSynced}
	p.SetReadyFunc(func() bool {
		return !slices.ContainsFunc(synced, func(s cache.InformerSynced) bool { return !s() })
	})
}

// InspectEffectiveVersion implements initializer.WantsEffectiveVersion: "latest" is the latest of the version that is emulated.
func (p *Plugin) InspectEffectiveVersion(v compatibility.EffectiveVersion) {
	emulated := api.MajorMinorVersion(int(v.EmulationVersion().Major()), int(v.EmulationVersion().Minor()))
	p.version = &emulated
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.namespaces == nil || p.pods == nil {
		return fmt.Errorf("%s needs a client and informers", PluginName)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), p.version)
	if err != nil {
		return fmt.Errorf("building the checks of %s: %w", PluginName, err)
	}
	p.delegate.Evaluator = evaluator
	p.delegate.NamespaceGetter = psadmission.NamespaceGetterFromListerAndClient(p.namespaces, p.client)
	p.delegate.PodLister = psadmission.PodListerFromInformer(p.pods)
	if err := p.delegate.CompleteConfiguration(); err != nil {
		return fmt.Errorf("completing the configuration of %s: %w", PluginName, err)
	}
	return p.delegate.ValidateConfiguration()
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	r := a.GetResource().GroupResource()
	if r != corev1.Resource("namespaces") && !p.delegate.PodSpecExtractor.HasPodSpec(r) {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, errors.New("not yet ready to handle request"))
	}
	result := p.delegate.Validate(ctx, attributes{a})
	for _, w := range result.Warnings {
		warning.AddWarning(ctx, "", w)
	}
	for k, v := range result.AuditAnnotations {
		if err := a.AddAnnotation(api.AuditAnnotationPrefix+k, v); err != nil {
			return apierrors.NewInternalError(fmt.Errorf("annotating the audit event: %w", err))
		}
	}
	if result.Allowed {
		return nil
	}
	return refusal(a, result)
}

// refusal is the library's answer as an error of this request.
func refusal(a admission.Attributes, result *admissionv1.AdmissionResponse) error {
	err := admission.NewForbidden(a, errors.New("Not allowed by PodSecurity"))
	status := &apierrors.StatusError{}
	if result.Result == nil || !errors.As(err, &status) {
		return err
	}
	if result.Result.Message != "" {
		status.ErrStatus.Message = result.Result.Message
	}
	if result.Result.Reason != "" {
		status.ErrStatus.Reason = result.Result.Reason
	}
	if result.Result.Code != 0 {
		status.ErrStatus.Code = result.Result.Code
	}
	if result.Result.Details != nil {
		status.ErrStatus.Details = result.Result.Details
	}
	return status
}

// attributes shows the request as the library wants it.
type attributes struct{ admission.Attributes }

var _ api.Attributes = attributes{}

func (a attributes) GetObject() (runtime.Object, error)    { return a.Attributes.GetObject(), nil }
func (a attributes) GetOldObject() (runtime.Object, error) { return a.Attributes.GetOldObject(), nil }
func (a attributes) GetUserName() string                   { return a.GetUserInfo().GetName() }
func (a attributes) GetOperation() admissionv1.Operation {
	return admissionv1.Operation(a.Attributes.GetOperation())
}
