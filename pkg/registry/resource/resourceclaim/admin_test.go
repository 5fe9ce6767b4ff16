package resourceclaim

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/fake"
)

func TestCheckAdminAccess(t *testing.T) {
	labelled := func(name string, labels map[string]string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	}
	client := fake.NewClientset(labelled("plain", nil), labelled("admin", map[string]string{"resource.kubernetes.io/admin-access": "true"})).CoreV1()
	asked := field.ErrorList{field.Forbidden(field.NewPath("spec"), "denied")}
	for _, c := range []struct {
		namespace string
		refusals  field.ErrorList
		want      field.ErrorType
	}{
		{"plain", nil, ""},
		{"missing", nil, ""},
		{"admin", asked, ""},
		{"plain", asked, field.ErrorTypeForbidden},
		{"missing", asked, field.ErrorTypeInternal},
	} {
		errs := CheckAdminAccess(context.Background(), client, c.namespace, c.refusals)
		switch {
		case c.want == "" && len(errs) > 0, c.want != "" && (len(errs) != 1 || errs[0].Type != c.want):
			t.Errorf("namespace %s, %d refusals: %v, want %q", c.namespace, len(c.refusals), errs, c.want)
		}
	}
}
