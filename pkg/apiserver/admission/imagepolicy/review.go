package imagepolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	imagepolicyv1alpha1 "k8s.io/api/imagepolicy/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/rest"
)

// cacheSize is of how many reviews the answer is remembered.
const cacheSize = 1024

// reviewer asks the webhook.
type reviewer struct {
	settings *settings
	hook     *webhook.GenericWebhook
	answers  *cache.LRUExpireCache
}

func newReviewer(s *settings) (*reviewer, error) {
	clientConfig, err := webhook.LoadKubeconfig(s.KubeConfigFile, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of the image policy webhook: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := imagepolicyv1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme)
	backoff := webhook.DefaultRetryBackoffWithInitialDelay(s.RetryBackoff)
	hook, err := webhook.NewGenericWebhook(scheme, codecs, clientConfig, []schema.GroupVersion{imagepolicyv1alpha1.SchemeGroupVersion}, backoff)
	if err != nil {
		return nil, fmt.Errorf("building the client of the image policy webhook: %w", err)
	}
	return &reviewer{settings: s, hook: hook, answers: cache.NewLRUExpireCache(cacheSize)}, nil
}

// specOf is what the webhook is told of the pod.
func specOf(pod *corev1.Pod, namespace string) imagepolicyv1alpha1.ImageReviewSpec {
	spec := imagepolicyv1alpha1.ImageReviewSpec{Namespace: namespace, Annotations: map[string]string{}}
	add := func(image string) {
		spec.Containers = append(spec.Containers, imagepolicyv1alpha1.ImageReviewContainerSpec{Image: image})
	}
	for _, c := range pod.Spec.Containers {
		add(c.Image)
	}
	for _, c := range pod.Spec.InitContainers {
		add(c.Image)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		add(c.Image)
	}
	for k, v := range pod.Annotations {
		if strings.Contains(k, ".image-policy.k8s.io/") {
			spec.Annotations[k] = v
		}
	}
	return spec
}

// review returns the webhook's answer.
func (r *reviewer) review(ctx context.Context, spec imagepolicyv1alpha1.ImageReviewSpec) (imagepolicyv1alpha1.ImageReviewStatus, error) {
	key, err := json.Marshal(spec)
	if err != nil {
		return imagepolicyv1alpha1.ImageReviewStatus{}, err
	}
	if known, ok := r.answers.Get(string(key)); ok {
		return known.(imagepolicyv1alpha1.ImageReviewStatus), nil
	}
	answer := &imagepolicyv1alpha1.ImageReview{}
	result := webhookCall(ctx, r.hook, &imagepolicyv1alpha1.ImageReview{Spec: spec})
	if err := result.Error(); err != nil {
		return answer.Status, err
	}
	var code int
	result.StatusCode(&code)
	if code < http.StatusOK || code >= http.StatusMultipleChoices {
		return answer.Status, fmt.Errorf("error contacting webhook: %d", code)
	}
	if err := result.Into(answer); err != nil {
		return answer.Status, err
	}
	r.answers.Add(string(key), answer.Status, r.ttl(answer.Status))
	return answer.Status, nil
}

func (r *reviewer) ttl(s imagepolicyv1alpha1.ImageReviewStatus) time.Duration {
	if s.Allowed {
		return r.settings.AllowTTL
	}
	return r.settings.DenyTTL
}

func webhookCall(ctx context.Context, hook *webhook.GenericWebhook, body runtime.Object) rest.Result {
	return hook.WithExponentialBackoff(ctx, func() rest.Result { return hook.RestClient.Post().Body(body).Do(ctx) })
}
