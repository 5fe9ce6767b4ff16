package bootstrap

import (
	"context"
	"slices"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

func TestCollectIdentities(t *testing.T) {
	now := time.Now()
	server := map[string]string{identityLabel: identityValue}
	lease := func(name string, renewed time.Duration, labels map[string]string) *coordinationv1.Lease {
		return &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceSystem, Labels: labels},
			Spec:       coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: now.Add(-renewed)}, LeaseDurationSeconds: ptr.To[int32](3600)},
		}
	}
	client := fake.NewClientset(
		lease("alive", time.Minute, server), lease("ended", 2*time.Hour, server), lease("somebody-elses", 2*time.Hour, nil))
	if err := collectIdentities(context.Background(), client, now); err != nil {
		t.Fatal(err)
	}
	list, err := client.CoordinationV1().Leases(metav1.NamespaceSystem).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, l := range list.Items {
		left = append(left, l.Name)
	}
	slices.Sort(left)
	if !slices.Equal(left, []string{"alive", "somebody-elses"}) {
		t.Errorf("left are %v", left)
	}
}

func TestForgetIdentity(t *testing.T) {
	client := fake.NewClientset(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "apiserver-x"}})
	for range 2 { // the second finds nothing, which is well
		if err := ForgetIdentity(t.Context(), client, "apiserver-x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CoordinationV1().Leases(metav1.NamespaceSystem).Get(t.Context(), "apiserver-x", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the lease is still there: %v", err)
	}
}
