package ipalloc

import (
	"context"
	"fmt"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	applynetworkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// cidrManager owns the conditions of ServiceCIDRs, whichever process writes them.
const cidrManager = "kubernetes-service-cidr-controller"

// KeepCIDR makes the ServiceCIDR of the configured ranges, says that it can be used, and makes it again when somebody takes it
// away, until ctx ends. It returns soon.
func (a *Allocator) KeepCIDR(ctx context.Context) error {
	due := make(chan struct{}, 1)
	look := func(o any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o); err != nil || key != defaultCIDR {
			return
		}
		select {
		case due <- struct{}{}:
		default: // a look is due anyway
		}
	}
	registration, err := a.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, now any) { look(now) }, DeleteFunc: look,
	})
	if err != nil {
		return fmt.Errorf("following ServiceCIDRs: %w", err)
	}
	go func() {
		defer func() { _ = a.informer.RemoveEventHandler(registration) }()
		const shortest, longest = 100 * time.Millisecond, 30 * time.Second
		pause := shortest
		for {
			var again <-chan time.Time
			if err := a.ensureCIDR(ctx); err != nil && ctx.Err() == nil {
				klog.V(2).InfoS("Keeping the default ServiceCIDR failed, trying again", "err", err)
				again, pause = time.After(pause), min(2*pause, longest)
			} else {
				pause = shortest
			}
			select {
			case <-ctx.Done():
				return
			case <-due:
			case <-again:
			}
		}
	}()
	return nil
}

// ensureCIDR makes the record of the configured ranges and says that it can be used.
func (a *Allocator) ensureCIDR(ctx context.Context) error {
	cidrs := a.client.NetworkingV1().ServiceCIDRs()
	var want []string
	for _, p := range a.ranges {
		want = append(want, p.String())
	}
	c, err := cidrs.Get(ctx, defaultCIDR, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		c = &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: defaultCIDR}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: want}}
		if c, err = cidrs.Create(ctx, c, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
			c, err = cidrs.Get(ctx, defaultCIDR, metav1.GetOptions{})
		}
	}
	if err != nil {
		return err
	}
	// One family can become two while nobody has to give up an address; every other change is for people to decide.
	if len(c.Spec.CIDRs) == 1 && len(want) == 2 && c.Spec.CIDRs[0] == want[0] {
		c = c.DeepCopy()
		c.Spec.CIDRs = want
		if c, err = cidrs.Update(ctx, c, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("adding the second family to the default ServiceCIDR: %w", err)
		}
	} else if !slices.Equal(c.Spec.CIDRs, want) {
		klog.InfoS("The default ServiceCIDR is not that of the flags; the stored one holds", "stored", c.Spec.CIDRs, "flags", want)
	}
	if c.DeletionTimestamp != nil || meta.IsStatusConditionTrue(c.Status.Conditions, networkingv1.ServiceCIDRConditionReady) {
		return nil
	}
	ready := applymetav1.Condition().WithType(networkingv1.ServiceCIDRConditionReady).WithStatus(metav1.ConditionTrue).
		WithMessage("Kubernetes default Service CIDR is ready").WithLastTransitionTime(metav1.Now())
	_, err = cidrs.ApplyStatus(ctx, applynetworkingv1.ServiceCIDR(defaultCIDR).WithStatus(applynetworkingv1.ServiceCIDRStatus().WithConditions(ready)),
		metav1.ApplyOptions{FieldManager: cidrManager, Force: true})
	if err != nil {
		return fmt.Errorf("writing the status of the default ServiceCIDR: %w", err)
	}
	return nil
}
