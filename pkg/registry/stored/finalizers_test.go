package stored

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestFinalizers(t *testing.T) {
	for name, good := range map[string]bool{"example.com/hold": true, "orphan": true, "foregroundDeletion": true, "kubernetes": true, "hold": false} {
		errs := validateFinalizers(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Finalizers: []string{name}}})
		if (len(errs) == 0) != good {
			t.Errorf("finalizer %s: %v", name, errs)
		}
	}
}
