package apiserver

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	registration "k8s.io/api/admissionregistration/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/test/harness"
)

// TestTraceGoesOnToWebhooks is part of a trace, whose spans nobody collects here: webhooks must be told of it all the same.
func TestTraceGoesOnToWebhooks(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	var mu sync.Mutex
	parents := map[string]string{}
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		parents[review.Request.Name] = r.Header.Get("Traceparent")
		mu.Unlock()
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	defer hook.Close()
	_, err := c.Client().AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(t.Context(), &registration.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "sees"},
		Webhooks: []registration.ValidatingWebhook{{
			Name: "sees.example.com",
			ClientConfig: registration.WebhookClientConfig{URL: ptr.To(hook.URL),
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw})},
			SideEffects: ptr.To(registration.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
			Rules: []registration.RuleWithOperations{{
				Operations: []registration.OperationType{registration.Create},
				Rule:       registration.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	create := func(name, parent string) (seen string, called bool) {
		request := c.Client().CoreV1().RESTClient().Post().Namespace("default").Resource("configmaps").VersionedParams(&metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}, metav1.ParameterCodec).
			Body(&v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if parent != "" {
			request = request.SetHeader("traceparent", parent)
		}
		if err := request.Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen, called = parents[name]
		return seen, called
	}
	eventually(t, "the webhook is called", func() bool {
		_, called := create("first", "")
		return called
	})
	if seen, _ := create("traced", "00-"+trace+"-00f067aa0ba902b7-01"); !strings.Contains(seen, trace) {
		t.Errorf("the webhook of a request in a trace is told of %q", seen)
	}
	if seen, called := create("alone", ""); seen != "" || !called {
		t.Errorf("the webhook of a request without a trace: called %v, told of %q", called, seen)
	}
}
