package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
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
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/server/options"
	webhookutil "k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/authn/bootstraptoken"
	"tiphys.dev/tiphys/pkg/apiserver/authn/clientcert"
	"tiphys.dev/tiphys/pkg/apiserver/authn/externalsigner"
	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// Dependencies are what the authenticators need of the server they stand in.
type Dependencies struct {
	// Objects looks up what service account tokens are bound to.
	Objects serviceaccount.Objects
	// Secrets finds bootstrap tokens.
	Secrets bootstraptoken.Secrets
	Clock   clock.WithTicker
	// ServerID names the server in metrics.
	ServerID string
	// EgressLookup dials to the issuers that the structured configuration sends through an egress proxy; nil knows none.
	EgressLookup egressselector.Lookup
	// Dial reaches the token webhook; nil dials directly.
	Dial utilnet.DialFunc
}

// Result is the built chain with the certificates it trusts, which the serving side announces to clients.
type Result struct {
	Authenticator authenticator.Request
	ClientCA      dynamiccertificates.CAContentProvider
	RequestHeader *authenticatorfactory.RequestHeaderConfig
	// Keys verify service account tokens; nil where none are taken.
	Keys serviceaccount.KeySource
	// Signer is the external signer of service account tokens, nil without one.
	Signer *externalsigner.Signer
}

// How long an answer about a token is believed. Accounts and bound objects can vanish, so it is short.
const (
	successTTL = 10 * time.Second
	failureTTL = 0
)

// New builds the chain. Authenticators that read remote documents or follow a file start doing so until ctx ends.
func New(ctx context.Context, c Config, d Dependencies) (*Result, error) {
	var requests []authenticator.Request
	var proxy authenticator.Request
	r := &Result{}

	header, err := c.RequestHeader.ToAuthenticationRequestHeaderConfig()
	if err != nil {
		return nil, fmt.Errorf("reading front proxy settings: %w", err)
	}
	if header != nil {
		r.RequestHeader = header
		proxy = authenticator.WrapAudienceAgnosticRequest(c.Audiences(), headerrequest.NewDynamicVerifyOptionsSecure(
			header.CAContentProvider.VerifyOptions, header.AllowedClientNames,
			header.UsernameHeaders, header.UIDHeaders, header.GroupHeaders, header.ExtraHeaderPrefixes))
	}
	if r.ClientCA, err = c.ClientCert.GetClientCAContentProvider(); err != nil {
		return nil, fmt.Errorf("reading client CA: %w", err)
	}
	if r.ClientCA != nil {
		requests = append(requests, clientcert.New(r.ClientCA.VerifyOptions, x509.CommonNameUserConversion, d.Clock))
	}

	structured, text, err := c.structured()
	if err != nil {
		return nil, err
	}
	issuers, err := newJWTIssuers(ctx, c, d, structured, text)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(ctx, c, d, r, issuers)
	if err != nil {
		return nil, err
	}
	if tokens != nil {
		requests = append(requests, bearertoken.New(tokens), websocket.NewProtocolAuthenticator(tokens))
	}

	if c.ConfigFile != "" {
		go issuers.watch(ctx)
	}
	anon := c.anonymous(structured)
	if len(requests) == 0 && proxy == nil {
		if !anon.Enabled {
			return nil, fmt.Errorf("no authentication method configured")
		}
		r.Authenticator = anonymous.NewAuthenticator(anon.Conditions)
		return r, nil
	}
	all := union.New(requests...)
	if proxy != nil {
		all = frontProxy{header.UsernameHeaders, proxy, all}
	}
	r.Authenticator = group.NewAuthenticatedGroupAdder(all)
	if anon.Enabled {
		// A request with wrong credentials is refused, not let in as anonymous.
		r.Authenticator = union.NewFailOnError(r.Authenticator, anonymous.NewAuthenticator(anon.Conditions))
	}
	return r, nil
}

func newTokens(ctx context.Context, c Config, d Dependencies, r *Result, issuers *jwtIssuers) (authenticator.Token, error) {
	var tokens []authenticator.Token
	if c.TokenFile != "" {
		t, err := tokenfile.NewCSV(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading token file: %w", err)
		}
		tokens = append(tokens, authenticator.WrapAudienceAgnosticToken(c.Audiences(), t))
	}
	if err := setKeys(ctx, c, d, r); err != nil {
		return nil, err
	}
	if r.Keys != nil {
		sa := &serviceaccount.Authenticator{
			Issuers: c.ServiceAccounts.Issuers, Audiences: c.Audiences(), Keys: r.Keys, Clock: d.Clock,
			Objects: d.Objects, TrustLegacy: !c.ServiceAccounts.Lookup,
		}
		tokens = append(tokens, sa)
	}
	if c.BootstrapTokens && d.Secrets != nil {
		tokens = append(tokens, authenticator.WrapAudienceAgnosticToken(c.Audiences(), bootstraptoken.New(d.Secrets, d.Clock)))
	}
	// A file without issuers may get some later.
	if c.ConfigFile != "" || c.OIDC.IssuerURL != "" {
		tokens = append(tokens, issuers)
	}
	if c.Webhook.ConfigFile != "" {
		t, err := newWebhook(c, d)
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

// setKeys finds the keys of service account tokens: in files, or with the external signer, which it keeps fresh until ctx ends.
func setKeys(ctx context.Context, c Config, d Dependencies, r *Result) error {
	switch sa := c.ServiceAccounts; {
	case sa.SigningEndpoint != "" && len(sa.KeyFiles) > 0:
		return errors.New("can't set `--service-account-signing-key-file` and/or `--service-account-key-file` with `--service-account-signing-endpoint` (They are mutually exclusive)")
	case sa.SigningEndpoint != "":
		signer, err := externalsigner.New(ctx, externalsigner.Config{Endpoint: sa.SigningEndpoint, Clock: d.Clock})
		if err != nil {
			return fmt.Errorf("while setting up external-jwt-signer: %w", err)
		}
		if sa.MaxExpiration > signer.MaxExpiration() {
			return fmt.Errorf("service-account-max-token-expiration %s is longer than the %s that the external signer allows", sa.MaxExpiration, signer.MaxExpiration())
		}
		r.Keys, r.Signer = signer, signer
		go func() {
			if err := signer.Run(ctx); err != nil {
				klog.ErrorS(err, "Closing the connection to the external signer")
			}
		}()
	case len(sa.KeyFiles) > 0:
		keys, err := serviceaccount.LoadKeys(sa.KeyFiles...)
		if err != nil {
			return err
		}
		r.Keys = serviceaccount.StaticKeys(keys)
	}
	return nil
}

func newWebhook(c Config, d Dependencies) (authenticator.Token, error) {
	config, err := webhookutil.LoadKubeconfig(c.Webhook.ConfigFile, d.Dial)
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
