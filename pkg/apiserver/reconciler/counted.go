package reconciler

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// counted adds a server's own address to those that are there, and takes others away when there are too many: going round from its own,
// every second one, as upstream's servers do.
func counted(present []string, own string, count int) []string {
	all := append(slices.Clone(present), own)
	slices.Sort(all)
	all = slices.Compact(all)
	at := slices.Index(all, own)
	ring := append(slices.Clone(all[at:]), all[:at]...)
	for i := 1; len(ring) > max(count, 1); i++ {
		if i >= len(ring) {
			i = 1
		}
		ring = slices.Delete(ring, i, i+1)
	}
	slices.Sort(ring)
	return ring
}

// change writes what follows from the addresses that are published.
func (r *Reconciler) change(ctx context.Context, follow func(present []string) []string) error {
	got, err := r.c.Client.CoreV1().Endpoints(metav1.NamespaceDefault).Get(ctx, serviceName, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	var present []string
	if err == nil && len(got.Subsets) > 0 {
		for _, a := range got.Subsets[0].Addresses {
			present = append(present, a.IP)
		}
	}
	return r.write(ctx, follow(present), nil)
}
