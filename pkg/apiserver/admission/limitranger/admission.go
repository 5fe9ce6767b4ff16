package limitranger

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// PluginName is the plugin's name.
const PluginName = "LimitRanger"

const (
	// liveTTL is how long the answer of a live look-up is believed.
	liveTTL = 30 * time.Second
	// liveSize is of how many namespaces the answer is remembered.
	liveSize = 10000
)

// Plugin changes pods and checks pods and claims.
type Plugin struct {
	*admission.Handler
	client kubernetes.Interface
	ranges corelisters.LimitRangeLister
	clock  clock.PassiveClock
	// live remembers what the store said of namespaces for which the cache has nothing.
	live *lru.Cache
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
		return newPlugin(clock.RealClock{}), nil
	})
}

func newPlugin(c clock.PassiveClock) *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), clock: c, live: lru.New(liveSize)}
}

// SetExternalKubeClientSet implements initializer.WantsExternalKubeClientSet.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.client = c }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	ranges := f.Core().V1().LimitRanges()
	p.ranges = ranges.Lister()
	p.SetReadyFunc(ranges.Informer().HasSynced)
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.ranges == nil {
		return fmt.Errorf("%s needs a client and informers", PluginName)
	}
	return nil
}

// Admit implements admission.MutationInterface.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	return p.each(ctx, a, func(r *corev1.LimitRange) error {
		if pod, ok := a.GetObject().(*corev1.Pod); ok {
			setDefaults(r, pod)
		}
		return nil
	})
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	return p.each(ctx, a, func(r *corev1.LimitRange) error {
		switch o := a.GetObject().(type) {
		case *corev1.Pod:
			return checkPod(r, o)
		case *corev1.PersistentVolumeClaim:
			return checkClaim(r, o)
		}
		return nil
	})
}

// concerned tells whether limits matter for the request. Containers cannot be changed by an ordinary update of a pod, so only
// its creation and its resize are looked at.
func concerned(a admission.Attributes) bool {
	switch a.GetResource().GroupResource() {
	case corev1.Resource("pods"):
		if a.GetOperation() == admission.Update {
			return a.GetSubresource() == "resize"
		}
		return a.GetSubresource() == ""
	case corev1.Resource("persistentvolumeclaims"):
		return a.GetSubresource() == ""
	}
	return false
}

func (p *Plugin) each(ctx context.Context, a admission.Attributes, do func(*corev1.LimitRange) error) error {
	if !concerned(a) {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, fmt.Errorf("not yet ready to handle request"))
	}
	// What is going away may get rid of its finalizers whatever the limits have become.
	if m, err := meta.Accessor(a.GetObject()); a.GetOperation() == admission.Update && err == nil && m.GetDeletionTimestamp() != nil {
		return nil
	}
	ranges, err := p.limitRanges(ctx, a.GetNamespace())
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("unable to %s %v at this time because there was an error enforcing limit ranges: %w", a.GetOperation(), a.GetResource(), err))
	}
	for _, r := range ranges {
		if err := do(r); err != nil {
			return admission.NewForbidden(a, err)
		}
	}
	return nil
}

type remembered struct {
	until time.Time
	items []*corev1.LimitRange
}

// limitRanges lists those of the namespace. A cache that has none may be behind: the first pod of a namespace often comes right
// after its limits.
func (p *Plugin) limitRanges(ctx context.Context, namespace string) ([]*corev1.LimitRange, error) {
	items, err := p.ranges.LimitRanges(namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		if items, err = p.look(ctx, namespace); err != nil {
			return nil, err
		}
	}
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b *corev1.LimitRange) int { return cmp.Compare(a.Name, b.Name) })
	return items, nil
}

func (p *Plugin) look(ctx context.Context, namespace string) ([]*corev1.LimitRange, error) {
	if v, ok := p.live.Get(namespace); ok {
		if r := v.(remembered); p.clock.Now().Before(r.until) {
			return r.items, nil
		}
	}
	list, err := p.client.CoreV1().LimitRanges(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	r := remembered{until: p.clock.Now().Add(liveTTL)}
	for i := range list.Items {
		r.items = append(r.items, &list.Items[i])
	}
	p.live.Add(namespace, r)
	return r.items, nil
}
