package serviceaccount

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/utils/ptr"
)

// PluginName is the plugin's name.
const PluginName = "ServiceAccount"

const (
	// MountPath is where containers find token, CA and namespace.
	MountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	// volumePrefix starts the name of the volume.
	volumePrefix = "kube-api-access-"
	defaultName  = "default"
	rootCA       = "kube-root-ca.crt"
	// lifetime of mounted tokens: an hour and a few seconds, so that the issuer knows them.
	lifetime = 3607
	// enforceAnnotation on an account keeps its pods from mounting other secrets than the account lists.
	enforceAnnotation = "kubernetes.io/enforce-mountable-secrets"
)

// Plugin changes and checks pods.
type Plugin struct {
	*admission.Handler
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
	// suffix makes the volume's name unlike any that a user chose.
	suffix func(string) string
}

var (
	_ admission.MutationInterface                  = &Plugin{}
	_ admission.ValidationInterface                = &Plugin{}
	_ initializer.WantsExternalKubeClientSet       = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), suffix: names.SimpleNameGenerator.GenerateName}, nil
	})
}

// SetExternalKubeClientSet implements initializer.WantsExternalKubeClientSet.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.client = c }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	accounts := f.Core().V1().ServiceAccounts()
	p.accounts = accounts.Lister()
	p.SetReadyFunc(accounts.Informer().HasSynced)
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.accounts == nil {
		return fmt.Errorf("%s needs a client and informers", PluginName)
	}
	return nil
}

func podOf(a admission.Attributes) (*corev1.Pod, bool) {
	if a.GetResource().GroupResource() != corev1.Resource("pods") {
		return nil, false
	}
	pod, ok := a.GetObject().(*corev1.Pod)
	return pod, ok
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	pod, ok := podOf(a)
	if !ok || a.GetOperation() != admission.Create || a.GetSubresource() != "" {
		return nil
	}
	// A mirror pod is a picture of what a kubelet runs without the API: nothing can be added to it.
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return p.Validate(ctx, a, o)
	}
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = defaultName
	}
	//lint:ignore SA1019 clients still read the deprecated field
	pod.Spec.DeprecatedServiceAccount = pod.Spec.ServiceAccountName
	sa, err := p.account(ctx, a.GetNamespace(), pod.Spec.ServiceAccountName)
	if err != nil {
		return refused(a, pod, err)
	}
	if mounts(sa, pod) {
		p.mount(pod)
	}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		pod.Spec.ImagePullSecrets = append([]corev1.LocalObjectReference(nil), sa.ImagePullSecrets...)
	}
	return p.Validate(ctx, a, o)
}

func refused(a admission.Attributes, pod *corev1.Pod, err error) error {
	return admission.NewForbidden(a, fmt.Errorf("error looking up service account %s/%s: %w", a.GetNamespace(), pod.Spec.ServiceAccountName, err))
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ok := podOf(a)
	if !ok {
		return nil
	}
	if a.GetOperation() == admission.Update && a.GetSubresource() == "ephemeralcontainers" {
		return p.checkEphemeral(ctx, a, pod)
	}
	if a.GetOperation() != admission.Create || a.GetSubresource() != "" {
		return nil
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return checkMirror(a, pod)
	}
	sa, err := p.account(ctx, a.GetNamespace(), pod.Spec.ServiceAccountName)
	if err != nil {
		return refused(a, pod, err)
	}
	if sa.Annotations[enforceAnnotation] != "true" {
		return nil
	}
	return checkSecrets(a, sa, pod)
}

// patience is how long a missing account is waited for: the controller makes the default one soon after its namespace.
var patience = wait.Backoff{Steps: 10, Duration: 50 * time.Millisecond, Factor: 1.3, Jitter: 0.1}

func (p *Plugin) account(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	sa, err := p.accounts.ServiceAccounts(namespace).Get(name)
	if err == nil || !apierrors.IsNotFound(err) {
		return sa, err
	}
	steps := patience
	if name != defaultName {
		steps.Steps = 1
	}
	last := err
	for steps.Steps > 0 {
		if sa, err = p.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			return sa, nil
		}
		last = err
		if !apierrors.IsNotFound(err) || steps.Steps == 1 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(steps.Step()):
		}
	}
	return nil, last
}

func mounts(sa *corev1.ServiceAccount, pod *corev1.Pod) bool {
	if pod.Spec.AutomountServiceAccountToken != nil {
		return *pod.Spec.AutomountServiceAccountToken
	}
	return sa.AutomountServiceAccountToken == nil || *sa.AutomountServiceAccountToken
}

// mount adds the volume with the token, and a mount of it to each container that has nothing at its place.
func (p *Plugin) mount(pod *corev1.Pod) {
	// A volume that a controller copied from an earlier pod is taken again.
	name := ""
	for _, v := range pod.Spec.Volumes {
		if len(v.Name) > len(volumePrefix) && v.Name[:len(volumePrefix)] == volumePrefix && v.Projected != nil {
			name = v.Name
		}
	}
	exists := name != ""
	if !exists {
		name = p.suffix(volumePrefix)
	}
	needed := false
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			needed = addMount(&list[i].VolumeMounts, name) || needed
		}
	}
	if needed && !exists {
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume(name))
	}
}

func addMount(mounts *[]corev1.VolumeMount, name string) bool {
	for _, m := range *mounts {
		if m.MountPath == MountPath {
			return false
		}
	}
	*mounts = append(*mounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: MountPath})
	return true
}

func volume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: ptr.To(corev1.ProjectedVolumeSourceDefaultMode),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](lifetime)}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: rootCA},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}}}
}
