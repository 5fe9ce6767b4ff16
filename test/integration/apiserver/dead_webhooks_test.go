package apiserver

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// twoVersions defines a kind whose second version only a webhook can make.
func twoVersions(hook string) *unstructured.Unstructured {
	version := func(name string, storage bool) apiextensionsv1.CustomResourceDefinitionVersion {
		return apiextensionsv1.CustomResourceDefinitionVersion{Name: name, Served: true, Storage: storage, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"},
		}}
	}
	crd := &apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: "things.dead.example.org"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "dead.example.org", Scope: apiextensionsv1.ClusterScoped,
			Names:    apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Kind: "Thing"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{version("v1", true), version("v2", false)},
			Conversion: &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.WebhookConverter, Webhook: &apiextensionsv1.WebhookConversion{
				ConversionReviewVersions: []string{"v1"}, ClientConfig: &apiextensionsv1.WebhookClientConfig{URL: ptr.To(hook)},
			}},
		},
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(crd)
	if err != nil {
		panic(err)
	}
	return &unstructured.Unstructured{Object: object}
}

// TestDeadServicesCostTheirOwnRequestsOnly has services for tokens, rights, audit and conversion that take connections and never answer,
// and very many requests that wait for each. TestDeadWebhooks of test/oracle measures the same beside upstream's server.
func TestDeadServicesCostTheirOwnRequestsOnly(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	hook := "https://" + dead.Addr().String()
	dir := t.TempDir()
	kubeconfig := write(t, filepath.Join(dir, "hook"), fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n", hook))
	policy := write(t, filepath.Join(dir, "policy"), "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, resources: [{group: \"\", resources: [endpoints]}]}]\n")
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Authentication.Webhook.ConfigFile, c.Authentication.Webhook.Version = kubeconfig, "v1"
		c.Authorization.Modes = append(c.Authorization.Modes, "Webhook")
		c.Authorization.WebhookConfigFile, c.Authorization.WebhookVersion = kubeconfig, "v1"
		c.Audit.PolicyFile, c.Audit.WebhookOptions.ConfigFile = policy, kubeconfig
		c.Audit.WebhookOptions.BatchOptions.BatchConfig.BufferSize, c.Audit.WebhookOptions.BatchOptions.BatchConfig.MaxBatchSize = 10, 5
	}})
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	if _, err := c.Dynamic().Resource(definitions).Create(t.Context(), twoVersions(hook), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	things := schema.GroupVersionResource{Group: "dead.example.org", Version: "v1", Resource: "things"}
	eventually(t, "a thing", func() bool {
		_, err := c.Dynamic().Resource(things).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "dead.example.org/v1", "kind": "Thing", "metadata": map[string]any{"name": "thing"},
		}}, metav1.CreateOptions{})
		return err == nil
	})
	token := func(n int) kubernetes.Interface {
		config := rest.AnonymousClientConfig(c.RESTConfig())
		config.BearerToken = fmt.Sprint("token-", n)
		return kubernetes.NewForConfigOrDie(config)
	}
	for _, tc := range []struct {
		name string
		// answered requests do not wait: what does is behind them.
		answered bool
		ask      func(ctx context.Context, n int) error
	}{
		{"token", false, func(ctx context.Context, n int) error {
			_, err := token(n).CoreV1().ConfigMaps("default").Get(ctx, "a", metav1.GetOptions{})
			return err
		}},
		{"rights", false, func(ctx context.Context, n int) error {
			_, err := c.As(fmt.Sprint("mallory-", n)).CoreV1().ConfigMaps("default").Get(ctx, "a", metav1.GetOptions{})
			return err
		}},
		{"conversion", false, func(ctx context.Context, _ int) error {
			second := things
			second.Version = "v2"
			_, err := c.Dynamic().Resource(second).Get(ctx, "thing", metav1.GetOptions{})
			return err
		}},
		{"audit", true, func(ctx context.Context, _ int) error {
			_, err := c.Client().CoreV1().Endpoints("default").List(ctx, metav1.ListOptions{})
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const waiting = 200
			ctx, cancel := context.WithCancel(t.Context())
			started := make(chan struct{}, waiting)
			ended := make(chan error, waiting)
			var group sync.WaitGroup
			for n := range waiting {
				group.Go(func() {
					started <- struct{}{}
					ended <- tc.ask(ctx, n)
				})
			}
			for range waiting {
				<-started
			}
			var took []time.Duration
			for i := range 40 {
				start := time.Now()
				s := &v1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "other-"}}
				made, err := c.Client().CoreV1().Secrets("default").Create(t.Context(), s, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(i, err)
				}
				if _, err := c.Client().CoreV1().Secrets("default").Get(t.Context(), made.Name, metav1.GetOptions{}); err != nil {
					t.Fatal(i, err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			median, worst := took[len(took)/2], took[len(took)-1]
			if t.Logf("median %v, worst %v", median, worst); median > time.Second || worst > 5*time.Second {
				t.Errorf("a secret took %v meanwhile, %v at worst", median, worst)
			}
			if n := len(ended); !tc.answered && n > 0 {
				t.Errorf("%d requests did not wait, one for %v", n, <-ended)
			}
			if !tc.answered {
				cancel()
			}
			group.Wait()
			cancel()
			for tc.answered && len(ended) > 0 {
				if err := <-ended; err != nil {
					t.Errorf("a request that is audited: %v", err)
				}
			}
		})
	}
}
