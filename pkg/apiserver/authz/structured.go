package authz

import (
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/load"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	authorizationcel "k8s.io/apiserver/pkg/authorization/cel"
)

// structured returns the configuration in its structured form, whether it comes from a file or from flags; text is the
// file's.
func (c *Config) structured(compiler authorizationcel.Compiler) (config *apiserver.AuthorizationConfiguration, text []byte, err error) {
	if c.ConfigFile == "" {
		return c.fromFlags(), nil, nil
	}
	return readStructured(c.ConfigFile, compiler)
}

// readStructured reads and checks an AuthorizationConfiguration of any served version.
func readStructured(file string, compiler authorizationcel.Compiler) (*apiserver.AuthorizationConfiguration, []byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to load AuthorizationConfiguration from file: %w", err)
	}
	config, err := load.LoadFromData(text)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to load AuthorizationConfiguration from file: %w", err)
	}
	// The policy file of ABAC is named by its flag also here.
	known := sets.New(ModeAlwaysAllow, ModeAlwaysDeny, ModeABAC, ModeWebhook, ModeRBAC, ModeNode)
	if err := validation.ValidateAuthorizationConfiguration(compiler, nil, config, known, sets.New(ModeWebhook)).ToAggregate(); err != nil {
		return nil, nil, err
	}
	return config, text, nil
}

// The names that authorizers of flags have in metrics, and the time limit of their webhook.
const (
	flagWebhookName    = "default"
	flagWebhookTimeout = 30 * time.Second
)

func (c *Config) fromFlags() *apiserver.AuthorizationConfiguration {
	config := &apiserver.AuthorizationConfiguration{}
	for _, m := range c.EffectiveModes() {
		a := apiserver.AuthorizerConfiguration{Type: apiserver.AuthorizerType(m), Name: strings.ToLower(m)}
		if m == ModeWebhook {
			a.Name = flagWebhookName
			a.Webhook = &apiserver.WebhookConfiguration{
				SubjectAccessReviewVersion: c.WebhookVersion, FailurePolicy: apiserver.FailurePolicyNoOpinion,
				MatchConditionSubjectAccessReviewVersion: "v1",
				ConnectionInfo: apiserver.WebhookConnectionInfo{
					Type: apiserver.AuthorizationWebhookConnectionInfoTypeKubeConfigFile, KubeConfigFile: &c.WebhookConfigFile,
				},
			}
			a.Webhook.Timeout.Duration = flagWebhookTimeout
			a.Webhook.AuthorizedTTL.Duration, a.Webhook.UnauthorizedTTL.Duration = c.WebhookAuthorizedTTL, c.WebhookUnauthorizedTTL
			a.Webhook.CacheAuthorizedRequests, a.Webhook.CacheUnauthorizedRequests = true, true
		}
		config.Authorizers = append(config.Authorizers, a)
	}
	return config
}

// fixedTypes are the types of a configuration that stay while the server runs: everything but webhooks.
func fixedTypes(config *apiserver.AuthorizationConfiguration) sets.Set[string] {
	out := sets.New[string]()
	for _, a := range config.Authorizers {
		if a.Type != apiserver.TypeWebhook {
			out.Insert(string(a.Type))
		}
	}
	return out
}
