package authz

import (
	"fmt"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	authorizationcel "k8s.io/apiserver/pkg/authorization/cel"
	"k8s.io/apiserver/pkg/server/options"
	webhookutil "k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/apiserver/plugin/pkg/authorizer/webhook"
	webhookmetrics "k8s.io/apiserver/plugin/pkg/authorizer/webhook/metrics"
	"k8s.io/client-go/rest"
)

var registerWebhookMetrics = sync.OnceFunc(func() {
	webhookmetrics.RegisterWebhookMetrics()
	authorizationcel.RegisterMetrics()
})

func newWebhook(m apiserver.AuthorizerConfiguration, dial utilnet.DialFunc, compiler authorizationcel.Compiler) (*webhook.WebhookAuthorizer, error) {
	registerWebhookMetrics()
	w := m.Webhook
	config, err := connection(w.ConnectionInfo, dial)
	if err != nil {
		return nil, fmt.Errorf("authorizer %q: %w", m.Name, err)
	}
	config.Timeout = w.Timeout.Duration
	onError := authorizer.DecisionNoOpinion
	if w.FailurePolicy == apiserver.FailurePolicyDeny {
		onError = authorizer.DecisionDeny
	}
	authorizedTTL, unauthorizedTTL := w.AuthorizedTTL.Duration, w.UnauthorizedTTL.Duration
	if !w.CacheAuthorizedRequests {
		authorizedTTL = 0
	}
	if !w.CacheUnauthorizedRequests {
		unauthorizedTTL = 0
	}
	a, err := webhook.New(config, w.SubjectAccessReviewVersion, authorizedTTL, unauthorizedTTL,
		*options.DefaultAuthWebhookRetryBackoff(), onError, w.MatchConditions, m.Name, newWebhookMetrics(), compiler)
	if err != nil {
		return nil, fmt.Errorf("authorizer %q: %w", m.Name, err)
	}
	return a, nil
}

func newWebhookMetrics() webhookmetrics.AuthorizerMetrics {
	return struct {
		webhookmetrics.RequestMetrics
		webhookmetrics.WebhookMetrics
		authorizationcel.MatcherMetrics
	}{webhookmetrics.NoopRequestMetrics{}, webhookmetrics.NewWebhookMetrics(), authorizationcel.NewMatcherMetrics()}
}

// connection says how to reach the webhook: as its kubeconfig says, or, for InClusterConfig, the way a pod reaches the API.
func connection(c apiserver.WebhookConnectionInfo, dial utilnet.DialFunc) (*rest.Config, error) {
	if c.Type == apiserver.AuthorizationWebhookConnectionInfoTypeInCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("in-cluster configuration: %w", err)
		}
		config.Dial = dial
		return config, nil
	}
	config, err := webhookutil.LoadKubeconfig(*c.KubeConfigFile, dial)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	return config, nil
}
