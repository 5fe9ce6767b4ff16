package apiserver

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	admissionapi "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// TestWebhookBehindService: a webhook that is named by its service is called at the service's address, and its certificate must
// be for the service's name. The addresses are of the loopback, so that the test needs no proxy.
func TestWebhookBehindService(t *testing.T) {
	_, loopback, err := net.ParseCIDR("127.100.0.0/24")
	if err != nil {
		t.Fatal(err)
	}
	const address = "127.100.0.9"
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) { c.ServiceClusterIPRanges = []net.IPNet{*loopback} }})
	listener, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Skipf("the whole of 127.0.0.0/8 must be local: %v", err)
	}
	pem, key, err := cert.GenerateSelfSignedCertKey("hook.default.svc", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(pem, key)
	if err != nil {
		t.Fatal(err)
	}
	var path atomic.Value
	hook := &httptest.Server{Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionapi.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		path.Store(r.URL.Path)
		review.Response = &admissionapi.AdmissionResponse{UID: review.Request.UID, Allowed: false, Result: &metav1.Status{Message: "the service says no"}}
		review.Request = nil
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	})}}
	hook.StartTLS()
	t.Cleanup(hook.Close)

	port := int32(listener.Addr().(*net.TCPAddr).Port)
	ctx := t.Context()
	for _, name := range []string{"hook", "other"} {
		s := &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.ServiceSpec{Ports: []v1.ServicePort{{Port: port}}}}
		if name == "hook" {
			s.Spec.ClusterIP = address
		} else {
			// The same server under a name that its certificate is not for.
			s.Spec = v1.ServiceSpec{Type: v1.ServiceTypeExternalName, ExternalName: address + ".nip.invalid", Ports: s.Spec.Ports}
		}
		if _, err := c.Client().CoreV1().Services("default").Create(ctx, s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"hook": "the service says no", "other": "failed calling webhook", "none": `service "none" not found`} {
		config := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}, Webhooks: []admissionv1.ValidatingWebhook{{
			Name: name + ".example.com", FailurePolicy: ptr.To(admissionv1.Fail), SideEffects: ptr.To(admissionv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
			ClientConfig:   admissionv1.WebhookClientConfig{CABundle: pem, Service: &admissionv1.ServiceReference{Namespace: "default", Name: name, Path: ptr.To("/ask"), Port: &port}},
			ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"hook": name}},
			Rules: []admissionv1.RuleWithOperations{{Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule: admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}}}},
		}}}
		if _, err := c.Client().AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, config, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		var last error
		eventually(t, "webhook "+name+" says "+want, func() bool {
			_, last = c.Client().CoreV1().ConfigMaps("default").Create(ctx, &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "x", Labels: map[string]string{"hook": name}}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			// The server learns of the service and of the configuration a moment later.
			return last != nil && strings.Contains(last.Error(), want)
		})
	}
	if path.Load() != "/ask" {
		t.Errorf("the webhook was asked at %v", path.Load())
	}
}
