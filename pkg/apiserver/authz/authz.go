package authz

import (
	"fmt"

	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/load"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	authorizationcel "k8s.io/apiserver/pkg/authorization/cel"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/plugin/pkg/authorizer/webhook"
	webhookmetrics "k8s.io/apiserver/plugin/pkg/authorizer/webhook/metrics"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/apiserver/authz/node"
	"tiphys.dev/tiphys/pkg/apiserver/authz/rbac"
)

// Result is the built chain.
type Result struct {
	Authorizer authorizer.Authorizer
	Rules      authorizer.RuleResolver
	// RBAC answers which rules a user has, also when RBAC is not among the modes: the checks against escalation need it.
	RBAC *rbac.Authorizer
	// Enabled tells whether RBAC decides, and so whether escalation is checked.
	Enabled bool
}

// New builds the chain on the informers, which the caller starts.
func New(c Config, i informers.SharedInformerFactory) (*Result, error) {
	r := &Result{}
	var err error
	if r.RBAC, err = rbac.New(i.Rbac().V1()); err != nil {
		return nil, err
	}
	// Members of system:masters are let through before any mode is asked, so that no policy can lock the administrator out.
	chain := []authorizer.Authorizer{authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)}
	var rules []authorizer.RuleResolver
	add := func(a interface {
		authorizer.Authorizer
		authorizer.RuleResolver
	}) {
		chain = append(chain, a)
		rules = append(rules, a)
	}
	modes, err := c.modes()
	if err != nil {
		return nil, err
	}
	for _, m := range modes {
		switch m.Type {
		case ModeAlwaysAllow:
			add(authorizerfactory.NewAlwaysAllowAuthorizer())
		case ModeAlwaysDeny:
			add(authorizerfactory.NewAlwaysDenyAuthorizer())
		case ModeRBAC:
			r.Enabled = true
			add(r.RBAC)
		case ModeNode:
			n, err := node.New(i)
			if err != nil {
				return nil, err
			}
			add(n)
		case ModeWebhook:
			w, err := newWebhook(m)
			if err != nil {
				return nil, err
			}
			add(w)
		default:
			return nil, fmt.Errorf("authorization mode %q is not supported", m.Type)
		}
	}
	r.Authorizer = union.New(chain...)
	r.Rules = union.NewRuleResolvers(rules...)
	return r, nil
}

// modes returns the authorizers as the structured configuration has them, whether they come from a file or from flags.
func (c *Config) modes() ([]apiserver.AuthorizerConfiguration, error) {
	if c.ConfigFile != "" {
		config, err := load.LoadFromFile(c.ConfigFile)
		if err != nil {
			return nil, fmt.Errorf("reading authorization configuration: %w", err)
		}
		return config.Authorizers, nil
	}
	var out []apiserver.AuthorizerConfiguration
	for _, m := range c.EffectiveModes() {
		a := apiserver.AuthorizerConfiguration{Type: apiserver.AuthorizerType(m), Name: m}
		if m == ModeWebhook {
			a.Webhook = &apiserver.WebhookConfiguration{
				SubjectAccessReviewVersion: c.WebhookVersion, FailurePolicy: apiserver.FailurePolicyNoOpinion,
				ConnectionInfo: apiserver.WebhookConnectionInfo{Type: apiserver.AuthorizationWebhookConnectionInfoTypeKubeConfigFile, KubeConfigFile: &c.WebhookConfigFile},
			}
			a.Webhook.AuthorizedTTL.Duration, a.Webhook.UnauthorizedTTL.Duration = c.WebhookAuthorizedTTL, c.WebhookUnauthorizedTTL
		}
		out = append(out, a)
	}
	return out, nil
}

func newWebhook(m apiserver.AuthorizerConfiguration) (*webhook.WebhookAuthorizer, error) {
	w := m.Webhook
	if w.ConnectionInfo.KubeConfigFile == nil {
		return nil, fmt.Errorf("authorizer %q: only webhooks with a kubeconfig file are supported", m.Name)
	}
	config, err := clientcmd.BuildConfigFromFlags("", *w.ConnectionInfo.KubeConfigFile)
	if err != nil {
		return nil, fmt.Errorf("authorizer %q: reading kubeconfig: %w", m.Name, err)
	}
	config.Timeout = w.Timeout.Duration
	onError := authorizer.DecisionNoOpinion
	if w.FailurePolicy == apiserver.FailurePolicyDeny {
		onError = authorizer.DecisionDeny
	}
	a, err := webhook.New(config, w.SubjectAccessReviewVersion, w.AuthorizedTTL.Duration, w.UnauthorizedTTL.Duration,
		*options.DefaultAuthWebhookRetryBackoff(), onError, w.MatchConditions, m.Name,
		webhookmetrics.NoopAuthorizerMetrics{}, authorizationcel.NewDefaultCompiler())
	if err != nil {
		return nil, fmt.Errorf("authorizer %q: %w", m.Name, err)
	}
	return a, nil
}
