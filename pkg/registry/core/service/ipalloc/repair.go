package ipalloc

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// young is how long a record without a service is left alone: the request that made it may still be under way.
const young = time.Minute

// Repair makes a record for each address that a service has, and takes away records whose service is gone or has another address.
func (a *Allocator) Repair(ctx context.Context, services []corev1.Service) error {
	list, err := a.client.NetworkingV1().IPAddresses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the records of cluster IPs: %w", err)
	}
	records := map[string]*networkingv1.IPAddress{}
	for i := range list.Items {
		records[list.Items[i].Name] = &list.Items[i]
	}
	used := map[string]bool{}
	for i := range services {
		s := &services[i]
		for _, ip := range s.Spec.ClusterIPs {
			addr, err := netip.ParseAddr(ip)
			if err != nil {
				continue
			}
			used[addr.String()] = true
			if records[addr.String()] != nil {
				continue
			}
			if err := a.take(ctx, s, addr, false); err != nil && err != ErrAllocated {
				return fmt.Errorf("recording cluster IP %s of service %s/%s: %w", ip, s.Namespace, s.Name, err)
			}
		}
	}
	for name, r := range records {
		if used[name] || r.Labels[managerLabel] != manager || time.Since(r.CreationTimestamp.Time) < young {
			continue
		}
		err := a.client.NetworkingV1().IPAddresses().Delete(ctx, name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &r.UID, ResourceVersion: &r.ResourceVersion},
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("taking away the record of cluster IP %s: %w", name, err)
		}
	}
	return nil
}
