package eventratelimit

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// PluginName is the plugin's name.
const PluginName = "EventRateLimit"

// Plugin counts events.
type Plugin struct {
	*admission.Handler
	limits []*enforcer
}

var _ admission.ValidationInterface = &Plugin{}

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(r io.Reader) (admission.Interface, error) {
		c, err := readConfig(r)
		if err != nil {
			return nil, err
		}
		return newPlugin(c, clock.RealClock{}), nil
	})
}

func newPlugin(c *config, now clock.PassiveClock) *Plugin {
	p := &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
	for _, l := range c.Limits {
		size := int(l.CacheSize)
		if size == 0 {
			size = defaultCacheSize
		}
		p.limits = append(p.limits, &enforcer{limit: l, clock: now, buckets: lru.New(size)})
	}
	return p
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	// A dry run stores nothing and must not use up what others have.
	if a.GetKind().GroupKind() != corev1.SchemeGroupVersion.WithKind("Event").GroupKind() || a.IsDryRun() {
		return nil
	}
	var errs []error
	// Every limit is charged, also when an earlier one has refused.
	for _, e := range p.limits {
		if err := e.accept(a); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return apierrors.NewTooManyRequestsError(utilerrors.NewAggregate(errs).Error())
	}
	return nil
}

// enforcer keeps the buckets of one limit.
type enforcer struct {
	limit limit
	clock clock.PassiveClock
	// mu keeps two first events of a key from making a bucket each.
	mu      sync.Mutex
	buckets *lru.Cache
}

func (e *enforcer) accept(a admission.Attributes) error {
	key := e.limit.key(a)
	if !e.bucket(key).TryAccept() {
		return fmt.Errorf("limit reached on type %v for key %v", e.limit.Type, key)
	}
	return nil
}

func (e *enforcer) bucket(key string) flowcontrol.PassiveRateLimiter {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b, ok := e.buckets.Get(key); ok {
		return b.(flowcontrol.PassiveRateLimiter)
	}
	b := flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(float32(e.limit.QPS), int(e.limit.Burst), e.clock)
	e.buckets.Add(key, b)
	return b
}

func (l limit) key(a admission.Attributes) string {
	switch l.Type {
	case namespaceLimit:
		return a.GetNamespace()
	case userLimit:
		if u := a.GetUserInfo(); u != nil {
			return u.GetName()
		}
	case sourceLimit:
		if o, ok := a.GetObject().(*corev1.Event); ok {
			i := o.InvolvedObject
			return strings.Join([]string{o.Source.Component, o.Source.Host, i.Kind, i.Namespace, i.Name, string(i.UID), i.APIVersion}, "")
		}
	}
	return ""
}
