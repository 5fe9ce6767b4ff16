package namespace

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/test/harness"
)

// TestDelete goes the way of the namespace controller: status updates of a deleted namespace must not end it, only the
// finalizer's going may.
func TestDelete(t *testing.T) {
	ctx := context.Background()
	client := harness.Start(t, harness.Config{}).Client().CoreV1().Namespaces()
	ns, err := client.Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "doomed"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(ns.Spec.Finalizers) != 1 || ns.Status.Phase != v1.NamespaceActive {
		t.Fatalf("a new namespace has finalizers %v and phase %s", ns.Spec.Finalizers, ns.Status.Phase)
	}
	if err := client.Delete(ctx, ns.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if ns, err = client.Get(ctx, ns.Name, metav1.GetOptions{}); err != nil {
		t.Fatalf("after the deletion: %v", err)
	}
	if ns.DeletionTimestamp == nil || ns.Status.Phase != v1.NamespaceTerminating {
		t.Fatalf("after the deletion: timestamp %v, phase %s", ns.DeletionTimestamp, ns.Status.Phase)
	}
	ns.Status.Conditions = []v1.NamespaceCondition{{Type: v1.NamespaceContentRemaining, Status: v1.ConditionTrue}}
	if _, err = client.UpdateStatus(ctx, ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if ns, err = client.Get(ctx, ns.Name, metav1.GetOptions{}); err != nil {
		t.Fatalf("after a status update: %v", err)
	}
	ns.Spec.Finalizers = nil
	if _, err = client.Finalize(ctx, ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err = client.Get(ctx, ns.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without finalizers: %v, want not found", err)
	}
}
