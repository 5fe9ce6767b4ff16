package resourceclaim

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	rules "tiphys.dev/apirules/resource/resourceclaim"
)

// CheckAdminAccess returns the refusals that hold in a namespace without the label for admin access, and none in one with it.
// The namespace is read anew each time, not from a cache: who takes the label away must not see a claim pass later. That costs
// little, for few claims ask for admin access. When the namespace cannot be read, the answer is no.
func CheckAdminAccess(ctx context.Context, namespaces corev1client.NamespacesGetter, namespace string, refusals field.ErrorList) field.ErrorList {
	if len(refusals) == 0 {
		return nil
	}
	ns, err := namespaces.Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("metadata", "namespace"), fmt.Errorf("could not retrieve namespace %s to check for admin access: %w", namespace, err))}
	}
	if rules.AllowsAdminAccess(ns.Labels) {
		return nil
	}
	return refusals
}
