package bootstrap

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// The lease of a server: who reads it takes a server for dead an hour after its last sign, and the server signs every ten
// seconds. See KEP-1965.
const (
	identityDuration = time.Hour
	identityRenew    = 10 * time.Second
	identityLabel    = "apiserver.kubernetes.io/identity"
	identityValue    = "kube-apiserver"
)

// IdentitySelector finds the leases of API servers.
const IdentitySelector = identityLabel + "=" + identityValue

// Identity renews the lease of the server until ctx ends.
func Identity(ctx context.Context, client kubernetes.Interface, serverID, address string) {
	host, err := os.Hostname()
	if err != nil {
		host = serverID
	}
	holder := serverID + "_" + uuid.NewString()
	c := lease.NewController(clock.RealClock{}, client, holder, int32(identityDuration/time.Second), nil, identityRenew,
		serverID, metav1.NamespaceSystem, func(l *coordinationv1.Lease) error {
			if l.Labels == nil {
				l.Labels = map[string]string{}
			}
			l.Labels[identityLabel] = identityValue
			l.Labels[v1.LabelHostname] = host
			if address != "" {
				if l.Annotations == nil {
					l.Annotations = map[string]string{}
				}
				l.Annotations["kubernetes.io/peer-advertise-address"] = address
			}
			return nil
		})
	c.Run(ctx)
}

// ForgetIdentity takes away the lease of a server that ends: others take it for living until then.
func ForgetIdentity(ctx context.Context, client kubernetes.Interface, serverID string) error {
	err := client.CoordinationV1().Leases(metav1.NamespaceSystem).Delete(ctx, serverID, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// CollectIdentities takes away the leases of servers that ended long ago, now and every hour until ctx ends.
func CollectIdentities(ctx context.Context, client kubernetes.Interface, c clock.WithTicker) {
	ticker := c.NewTicker(identityDuration)
	defer ticker.Stop()
	for {
		if err := collectIdentities(ctx, client, c.Now()); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Taking away the leases of API servers that ended")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

func collectIdentities(ctx context.Context, client kubernetes.Interface, now time.Time) error {
	leases := client.CoordinationV1().Leases(metav1.NamespaceSystem)
	list, err := leases.List(ctx, metav1.ListOptions{LabelSelector: IdentitySelector})
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range list.Items {
		if !ended(&l, now) {
			continue
		}
		// A server that came back in the meantime has another version.
		err := leases.Delete(ctx, l.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &l.UID, ResourceVersion: &l.ResourceVersion}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ended tells whether the lease ran out. One that says nothing of its time can be nobody's.
func ended(l *coordinationv1.Lease, now time.Time) bool {
	if l.Spec.RenewTime == nil || l.Spec.LeaseDurationSeconds == nil {
		return true
	}
	return l.Spec.RenewTime.Add(time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second).Before(now)
}
