package authn

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	apiserverapi "k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/token/cache"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/authn/bootstraptoken"
	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// Dependencies are what the authenticators need of the server they stand in.
type Dependencies struct {
	// Objects looks up what service account tokens are bound to.
	Objects serviceaccount.Objects
	// Secrets finds bootstrap tokens.
	Secrets bootstraptoken.Secrets
	Clock   clock.PassiveClock
	// ServerID names the server in metrics.
	ServerID string
}

// Result is the built chain with the certificates it trusts, which the serving side announces to clients.
type Result struct {
	Authenticator authenticator.Request
	ClientCA      dynamiccertificates.CAContentProvider
	RequestHeader *authenticatorfactory.RequestHeaderConfig
	// Keys verify service account tokens.
	Keys []serviceaccount.Key
}

// How long an answer about a token is believed. Accounts and bound objects can vanish, so it is short.
const (
	successTTL = 10 * time.Second
	failureTTL = 0
)

// New builds the chain. Authenticators that read remote documents start doing so until ctx ends.
func New(ctx context.Context, c Config, d Dependencies) (*Result, error) {
	var requests []authenticator.Request
	r := &Result{}

	header, err := c.RequestHeader.ToAuthenticationRequestHeaderConfig()
	if err != nil {
		return nil, fmt.Errorf("reading front proxy settings: %w", err)
	}
	if header != nil {
		r.RequestHeader = header
		requests = append(requests, authenticator.WrapAudienceAgnosticRequest(c.Audiences(), headerrequest.NewDynamicVerifyOptionsSecure(
			header.CAContentProvider.VerifyOptions, header.AllowedClientNames,
			header.UsernameHeaders, header.UIDHeaders, header.GroupHeaders, header.ExtraHeaderPrefixes)))
	}
	if r.ClientCA, err = c.ClientCert.GetClientCAContentProvider(); err != nil {
		return nil, fmt.Errorf("reading client CA: %w", err)
	}
	if r.ClientCA != nil {
		requests = append(requests, x509.NewDynamic(r.ClientCA.VerifyOptions, x509.CommonNameUserConversion))
	}

	tokens, err := newTokens(ctx, c, d, r)
	if err != nil {
		return nil, err
	}
	if tokens != nil {
		requests = append(requests, bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens))
	}

	anon := &apiserverapi.AnonymousAuthConfig{Enabled: c.Anonymous}
	if len(requests) == 0 {
		if !anon.Enabled {
			return nil, fmt.Errorf("no authentication method configured")
		}
		r.Authenticator = anonymous.NewAuthenticator(nil)
		return r, nil
	}
	r.Authenticator = group.NewAuthenticatedGroupAdder(union.New(requests...))
	if anon.Enabled {
		// A request with wrong credentials is refused, not let in as anonymous.
		r.Authenticator = union.NewFailOnError(r.Authenticator, anonymous.NewAuthenticator(anon.Conditions))
	}
	return r, nil
}

func newTokens(ctx context.Context, c Config, d Dependencies, r *Result) (authenticator.Token, error) {
	var tokens []authenticator.Token
	if c.TokenFile != "" {
		t, err := tokenfile.NewCSV(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading token file: %w", err)
		}
		tokens = append(tokens, authenticator.WrapAudienceAgnosticToken(c.Audiences(), t))
	}
	if len(c.ServiceAccounts.KeyFiles) > 0 {
		keys, err := serviceaccount.LoadKeys(c.ServiceAccounts.KeyFiles...)
		if err != nil {
			return nil, err
		}
		r.Keys = keys
		sa := &serviceaccount.Authenticator{
			Issuers: c.ServiceAccounts.Issuers, Audiences: c.Audiences(), Keys: keys, Clock: d.Clock,
		}
		if c.ServiceAccounts.Lookup {
			sa.Objects = d.Objects
		}
		tokens = append(tokens, sa)
	}
	if c.BootstrapTokens && d.Secrets != nil {
		tokens = append(tokens, authenticator.WrapAudienceAgnosticToken(c.Audiences(), bootstraptoken.New(d.Secrets, d.Clock)))
	}
	if c.OIDC.IssuerURL != "" {
		t, err := newOIDC(ctx, c, d)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, authenticator.WrapAudienceAgnosticToken(c.Audiences(), t))
	}
	if c.Webhook.ConfigFile != "" {
		t, err := newWebhook(c)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	if len(tokens) == 0 {
		return nil, nil
	}
	return cache.New(tokenunion.New(tokens...), true, successTTL, failureTTL), nil
}

func newOIDC(ctx context.Context, c Config, d Dependencies) (authenticator.Token, error) {
	o := c.OIDC
	userPrefix := o.UsernamePrefix
	switch {
	case userPrefix == "-":
		userPrefix = ""
	case userPrefix == "" && o.UsernameClaim != "email":
		userPrefix = o.IssuerURL + "#"
	}
	jwt := apiserverapi.JWTAuthenticator{
		Issuer: apiserverapi.Issuer{URL: o.IssuerURL, Audiences: []string{o.ClientID}},
		ClaimMappings: apiserverapi.ClaimMappings{
			Username: apiserverapi.PrefixedClaimOrExpression{Claim: o.UsernameClaim, Prefix: &userPrefix},
		},
	}
	if o.GroupsClaim != "" {
		jwt.ClaimMappings.Groups = apiserverapi.PrefixedClaimOrExpression{Claim: o.GroupsClaim, Prefix: &o.GroupsPrefix}
	}
	for claim, value := range o.RequiredClaims {
		jwt.ClaimValidationRules = append(jwt.ClaimValidationRules, apiserverapi.ClaimValidationRule{Claim: claim, RequiredValue: value})
	}
	opts := oidc.Options{
		JWTAuthenticator: jwt, SupportedSigningAlgs: o.SigningAlgs,
		DisallowedIssuers: c.ServiceAccounts.Issuers, APIServerID: d.ServerID,
	}
	if o.CAFile != "" {
		ca, err := dynamiccertificates.NewDynamicCAContentFromFile("oidc-authenticator", o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading OIDC CA: %w", err)
		}
		opts.CAContentProvider = ca
	}
	t, err := oidc.New(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("building OIDC authenticator: %w", err)
	}
	return t, nil
}

func newWebhook(c Config) (authenticator.Token, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Webhook.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading token webhook configuration: %w", err)
	}
	var backoff wait.Backoff = *options.DefaultAuthWebhookRetryBackoff()
	t, err := webhook.New(config, c.Webhook.Version, c.Audiences(), backoff)
	if err != nil {
		return nil, fmt.Errorf("building token webhook: %w", err)
	}
	return cache.New(t, false, c.Webhook.CacheTTL, c.Webhook.CacheTTL), nil
}
