package admission

import (
	"context"
	"testing"
	"testing/synctest"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// counted counts how often it is asked.
type counted struct {
	*admission.Handler
	calls int
}

func (c *counted) Admit(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	c.calls++
	return nil
}

func (c *counted) Validate(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	c.calls++
	return nil
}

func TestWebhooksAreAskedOnceThereAreAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		f := informers.NewSharedInformerFactory(client, 0)
		namespaces := f.Core().V1().Namespaces().Informer()
		inner := &counted{Handler: admission.NewHandler(admission.Create)}
		mutation := &idleMutation{inner, absence{objects: f.Admissionregistration().V1().MutatingWebhookConfigurations().Informer(), namespaces: namespaces}}
		validation := &idleValidation{inner, absence{objects: f.Admissionregistration().V1().ValidatingWebhookConfigurations().Informer(), namespaces: namespaces}}
		ask := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			inner.calls = 0
			if err := mutation.Admit(t.Context(), nil, nil); err != nil {
				t.Error(err)
			}
			if err := validation.Validate(t.Context(), nil, nil); err != nil {
				t.Error(err)
			}
			if inner.calls != want {
				t.Errorf("%s: %d asked, want %d", when, inner.calls, want)
			}
		}
		ask("before anything is known", 2)
		f.Start(t.Context().Done())
		ask("without webhooks", 0)
		api := client.AdmissionregistrationV1()
		if _, err := api.MutatingWebhookConfigurations().Create(t.Context(), &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "m"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		ask("with one that changes", 1)
		if _, err := api.ValidatingWebhookConfigurations().Create(t.Context(), &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "v"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		ask("and one that checks", 2)
		if err := api.MutatingWebhookConfigurations().Delete(t.Context(), "m", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		ask("when the first is gone", 1)
	})
}
