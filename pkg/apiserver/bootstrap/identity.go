package bootstrap

import (
	"context"
	"os"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/apimachinery/lease"
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
