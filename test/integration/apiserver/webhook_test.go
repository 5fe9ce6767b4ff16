package apiserver

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/test/harness"
)

// TestDeadWebhookCostsItsOwnRequestsOnly has a webhook that takes connections and never answers, and very many requests that wait for it.
// All others must go on as if nothing were wrong.
func TestDeadWebhookCostsItsOwnRequestsOnly(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	const timeout = 5
	_, err = c.Client().AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(t.Context(), &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "dead"},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "dead.example.com",
			ClientConfig:            admissionv1.WebhookClientConfig{URL: ptr.To("https://" + dead.Addr().String())},
			FailurePolicy:           ptr.To(admissionv1.Fail),
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			TimeoutSeconds:          ptr.To[int32](timeout),
			AdmissionReviewVersions: []string{"v1"},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string) (time.Duration, error) {
		start := time.Now()
		_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return time.Since(start), err
	}
	eventually(t, "the webhook is called", func() bool {
		took, err := refused("first")
		return err != nil && took > time.Second
	})

	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			// Some wait for their turn first, as requests of one user do not take all there is.
			if took, err := refused(fmt.Sprintf("cm-%d", i)); err == nil || took > 12*timeout*time.Second {
				t.Errorf("a request that the webhook must see took %v: %v", took, err)
			}
		})
	}
	var took []time.Duration
	for i := range 40 {
		start := time.Now()
		s := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s-%d", i)}}
		if _, err := client.CoreV1().Secrets("default").Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Secrets("default").Get(t.Context(), s.Name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	if median, worst := took[len(took)/2], took[len(took)-1]; median > time.Second || worst > timeout*time.Second {
		t.Errorf("a secret took %v meanwhile, %v at worst", median, worst)
	}
	group.Wait()
}
