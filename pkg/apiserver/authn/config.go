package authn

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/server/options"
)

// Config says which authenticators there are.
type Config struct {
	// APIAudiences are the audiences of this API server; tokens for others are not taken.
	APIAudiences []string
	// Anonymous lets requests in that carry no credentials, as system:anonymous.
	Anonymous bool
	// AnonymousSet tells that somebody chose Anonymous; then ConfigFile may not choose, too.
	AnonymousSet bool
	// ConfigFile is a structured AuthenticationConfiguration (KEP-3331): JWT issuers and the paths open to anonymous requests.
	ConfigFile string
	// ClientCert holds the CA of client certificates.
	ClientCert options.ClientCertAuthenticationOptions
	// RequestHeader says which front proxies may name the user in headers.
	RequestHeader options.RequestHeaderAuthenticationOptions
	// BootstrapTokens takes the tokens of secrets of type bootstrap.kubernetes.io/token.
	BootstrapTokens bool
	// TokenFile is a CSV file of static tokens.
	TokenFile string

	ServiceAccounts ServiceAccounts
	OIDC            OIDC
	Webhook         Webhook
}

// ServiceAccounts says how the tokens of service accounts are issued and verified.
type ServiceAccounts struct {
	// SigningEndpoint is the socket of an external signer; then there are no key files.
	SigningEndpoint string
	// KeyFiles hold the keys that verify. Lookup asks the store whether account and secret of a token of a secret still exist; what
	// other tokens are bound to is always looked up.
	KeyFiles []string
	Lookup   bool
	// Issuers are the accepted issuers; the first one signs.
	Issuers []string
	// JWKSURI overrides where the keys are announced.
	JWKSURI string
	// MaxExpiration caps the lifetime a token request may ask for; zero does not.
	MaxExpiration time.Duration
	// ExtendExpiration gives injected tokens a year and marks late use, so that old clients that never read them again go on.
	ExtendExpiration bool
}

// OIDC describes one issuer by flags; ConfigFile can describe several.
type OIDC struct {
	IssuerURL, ClientID, CAFile, UsernameClaim, UsernamePrefix, GroupsClaim, GroupsPrefix string
	SigningAlgs                                                                           []string
	RequiredClaims                                                                        map[string]string
}

// Webhook names a service that reviews tokens.
type Webhook struct {
	ConfigFile, Version string
	CacheTTL            time.Duration
}

// NewConfig returns the defaults of upstream's flags.
func NewConfig() Config {
	return Config{
		Anonymous:       true,
		ServiceAccounts: ServiceAccounts{Lookup: true, ExtendExpiration: true},
		OIDC:            OIDC{UsernameClaim: "sub", SigningAlgs: []string{"RS256"}},
		Webhook:         Webhook{Version: "v1beta1", CacheTTL: 2 * time.Minute},
	}
}

// Audiences returns the API server's own audiences.
func (c *Config) Audiences() authenticator.Audiences { return authenticator.Audiences(c.APIAudiences) }

// Validate tells which settings contradict each other.
func (c *Config) Validate() []error {
	errs := c.ServiceAccounts.validate()
	if c.OIDC.used() && (c.OIDC.IssuerURL == "" || c.OIDC.ClientID == "") {
		errs = append(errs, errors.New("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"))
	}
	if c.ConfigFile != "" && c.OIDC.used() {
		errs = append(errs, errors.New("authentication-config file and oidc-* flags are mutually exclusive"))
	}
	return append(errs, c.RequestHeader.Validate()...)
}

func (sa *ServiceAccounts) validate() []error {
	var errs []error
	if len(sa.Issuers) == 0 {
		errs = append(errs, errors.New("service-account-issuer is a required flag"))
	}
	for i, issuer := range sa.Issuers {
		switch {
		case issuer == "":
			errs = append(errs, errors.New("service-account-issuer should not be an empty string"))
		case slices.Contains(sa.Issuers[:i], issuer):
			errs = append(errs, fmt.Errorf("service-account-issuer %q is already specified", issuer))
		case strings.Contains(issuer, ":"):
			// Names without a colon are older than the documents that announce the keys; one with a colon must lead to them.
			if _, err := url.Parse(issuer); err != nil {
				errs = append(errs, fmt.Errorf("service-account-issuer %q contained a ':' but was not a valid URL: %w", issuer, err))
			}
		}
	}
	if len(sa.KeyFiles) == 0 && sa.SigningEndpoint == "" {
		errs = append(errs, errors.New("either `--service-account-key-file` or `--service-account-signing-endpoint` must be set"))
	}
	if sa.JWKSURI != "" {
		if u, err := url.Parse(sa.JWKSURI); err != nil {
			errs = append(errs, fmt.Errorf("service-account-jwks-uri must be a valid URL: %w", err))
		} else if u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("service-account-jwks-uri requires https scheme, parsed as: %v", u))
		}
	}
	if sa.MaxExpiration != 0 && (sa.MaxExpiration < time.Hour || sa.MaxExpiration > (1<<32)*time.Second) {
		errs = append(errs, errors.New("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds"))
	}
	return errs
}

// used tells whether anything differs from the defaults.
func (o *OIDC) used() bool {
	return o.IssuerURL != "" || o.ClientID != "" || o.CAFile != "" || o.UsernamePrefix != "" || o.GroupsClaim != "" ||
		o.GroupsPrefix != "" || len(o.RequiredClaims) > 0 || o.UsernameClaim != "sub" || !slices.Equal(o.SigningAlgs, []string{"RS256"})
}
