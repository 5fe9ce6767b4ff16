package imagepolicy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	imagepolicyv1alpha1 "k8s.io/api/imagepolicy/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
)

// policy is a webhook that refuses images of evil.com, and counts how often it was asked.
func policy(t *testing.T) (*httptest.Server, *int) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		review := &imagepolicyv1alpha1.ImageReview{}
		if err := json.NewDecoder(r.Body).Decode(review); err != nil {
			t.Error(err)
		}
		review.Status.Allowed = true
		for _, c := range review.Spec.Containers {
			if strings.HasPrefix(c.Image, "evil.com/") {
				review.Status.Allowed, review.Status.Reason = false, "evil"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(s.Close)
	return s, &asked
}

func plugin(t *testing.T, url string, extra string) admission.ValidationInterface {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`, url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plugins := admission.NewPlugins()
	Register(plugins)
	config := fmt.Sprintf(`{"imagePolicy":{"kubeConfigFile":%q,"retryBackoff":1%s}}`, file, extra)
	p, err := plugins.InitPlugin(PluginName, strings.NewReader(config), admission.PluginInitializers{})
	if err != nil {
		t.Fatal(err)
	}
	return p.(admission.ValidationInterface)
}

func create(t *testing.T, p admission.ValidationInterface, image string) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}}
	a := admission.NewAttributesRecord(pod, nil, schema.GroupVersionKind{}, "ns", "p", corev1.SchemeGroupVersion.WithResource("pods"), "", admission.Create, nil, false, nil)
	return p.Validate(t.Context(), a, nil)
}

func TestReview(t *testing.T) {
	s, asked := policy(t)
	p := plugin(t, s.URL, "")
	for range 2 {
		if err := create(t, p, "good.com/a"); err != nil {
			t.Errorf("good image: %v", err)
		}
	}
	if *asked != 1 {
		t.Errorf("asked %d times about one image, want 1", *asked)
	}
	err := create(t, p, "evil.com/a")
	if want := "image policy webhook backend denied one or more images: evil"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestUnreachable(t *testing.T) {
	s, _ := policy(t)
	url := s.URL
	s.Close()
	if err := create(t, plugin(t, url, ""), "good.com/a"); err == nil {
		t.Error("let through without an answer")
	}
	if err := create(t, plugin(t, url, `,"defaultAllow":true`), "good.com/a"); err != nil {
		t.Errorf("default is to allow: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"no kubeconfig", `{"imagePolicy":{}}`, "kubeConfigFile is required"},
		{"too long", `{"imagePolicy":{"kubeConfigFile":"x","allowTTL":100000}}`, "valid value is between 1s and 30m0s, got 27h46m40s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readConfig(strings.NewReader(c.config)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	s, err := readConfig(strings.NewReader(`{"imagePolicy":{"kubeConfigFile":"x","denyTTL":-1}}`))
	if err != nil || s.DenyTTL != 0 || s.AllowTTL.String() != "5m0s" || s.RetryBackoff.String() != "500ms" {
		t.Errorf("got %+v, %v", s, err)
	}
}
