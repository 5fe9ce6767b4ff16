package legacytokencleaner

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	interval      = 24 * time.Hour
	retry         = 5 * time.Minute
	trackingName  = "kube-apiserver-legacy-service-account-token-tracking"
	trackingSince = "since"
)

// Config of the controller.
type Config struct {
	Client kubernetes.Interface
	// Reader lists secrets, which the controller's own account may not.
	Reader          kubernetes.Interface
	ServiceAccounts coreinformers.ServiceAccountInformer
	Pods            coreinformers.PodInformer
	Period          time.Duration
	Clock           clock.WithTicker
}

// Controller retires unused tokens.
type Controller struct {
	cfg      Config
	accounts corelisters.ServiceAccountLister
	pods     corelisters.PodLister
	synced   []cache.InformerSynced
}

// New builds the controller.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Reader == nil || cfg.ServiceAccounts == nil || cfg.Pods == nil || cfg.Period <= 0 {
		return nil, errors.New("legacy token cleaner: clients, informers and Period are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Controller{cfg: cfg, accounts: cfg.ServiceAccounts.Lister(), pods: cfg.Pods.Lister(),
		synced: []cache.InformerSynced{cfg.ServiceAccounts.Informer().HasSynced, cfg.Pods.Informer().HasSynced}}, nil
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), c.synced...) {
		return nil
	}
	for {
		wait := interval
		if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Looking through legacy tokens failed, trying again", "after", retry)
			wait = retry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.cfg.Clock.After(wait):
		}
	}
}

// Sweep looks at all secrets once.
func (c *Controller) Sweep(ctx context.Context) error {
	tracking, err := c.cfg.Client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, trackingName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil // the API server does not keep track (yet)
	}
	if err != nil {
		return fmt.Errorf("reading since when tokens are tracked: %w", err)
	}
	since, err := time.Parse(day, tracking.Data[trackingSince])
	if err != nil {
		return fmt.Errorf("reading since when tokens are tracked: %w", err)
	}
	now := c.cfg.Clock.Now()
	if since.Add(c.cfg.Period + 24*time.Hour).After(now) {
		return nil
	}
	p := pager.New(pager.SimplePageFunc(func(o metav1.ListOptions) (runtime.Object, error) {
		return c.cfg.Reader.CoreV1().Secrets(metav1.NamespaceAll).List(ctx, o)
	}))
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("type", string(v1.SecretTypeServiceAccountToken)).String()}
	return p.EachListItem(ctx, only, func(o runtime.Object) error {
		s, ok := o.(*v1.Secret)
		if !ok || !c.listed(s) {
			return nil
		}
		mounted, err := c.mounted(s)
		if err != nil || mounted {
			return err
		}
		return c.act(ctx, s, decide(s, now, c.cfg.Period), now)
	})
}

func (c *Controller) act(ctx context.Context, s *v1.Secret, a action, now time.Time) error {
	secrets := c.cfg.Client.CoreV1().Secrets(s.Namespace)
	var err error
	switch a {
	case invalidate:
		patch := fmt.Sprintf(`{"metadata":{"uid":%q,"resourceVersion":%q,"labels":{%q:%q}}}`, s.UID, s.ResourceVersion, InvalidSinceLabel, now.UTC().Format(day))
		_, err = secrets.Patch(ctx, s.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	case remove:
		err = secrets.Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion}})
	}
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) { // a conflict: it was used just now
		return fmt.Errorf("retiring token %s/%s: %w", s.Namespace, s.Name, err)
	}
	return nil
}

// listed tells whether the account lists the secret, as it does for those that were made for it without being asked.
func (c *Controller) listed(s *v1.Secret) bool {
	sa, err := c.accounts.ServiceAccounts(s.Namespace).Get(s.Annotations[v1.ServiceAccountNameKey])
	if err != nil || string(sa.UID) != s.Annotations[v1.ServiceAccountUIDKey] {
		return false
	}
	for _, r := range sa.Secrets {
		if r.Name == s.Name {
			return true
		}
	}
	return false
}

func (c *Controller) mounted(s *v1.Secret) (bool, error) {
	pods, err := c.pods.Pods(s.Namespace).List(labels.Everything())
	if err != nil {
		return false, err
	}
	for _, p := range pods {
		for _, v := range p.Spec.Volumes {
			if v.Secret != nil && v.Secret.SecretName == s.Name {
				return true, nil
			}
			if v.Projected == nil {
				continue
			}
			for _, src := range v.Projected.Sources {
				if src.Secret != nil && src.Secret.Name == s.Name {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
