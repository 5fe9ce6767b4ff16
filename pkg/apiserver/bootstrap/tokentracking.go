package bootstrap

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// tokenTracking says since when the server notes the use of tokens in secrets: who wants to take unused ones away must
// not count the time before. See KEP-2799.
const tokenTracking = "kube-apiserver-legacy-service-account-token-tracking"

// TokenTracking writes the day on which tracking began, once in the life of a store.
func TokenTracking(ctx context.Context, client kubernetes.Interface, now time.Time) error {
	err := retryUntil(ctx, func() error {
		_, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Create(ctx, &v1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: tokenTracking, Namespace: metav1.NamespaceSystem},
			Data:       map[string]string{"since": now.UTC().Format(time.DateOnly)},
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("writing since when the use of tokens is tracked: %w", err)
	}
	return nil
}
