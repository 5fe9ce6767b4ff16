package authn

import (
	"errors"
	"fmt"
	"slices"
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
	// KeyFiles hold the keys that verify; Lookup also asks the store whether account and bound object still exist.
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
func (c *Config) Validate() error {
	var errs []error
	sa := c.ServiceAccounts
	if len(sa.Issuers) == 0 || sa.Issuers[0] == "" {
		errs = append(errs, errors.New("service-account-issuer is a required flag, --service-account-signing-key-file and --service-account-issuer are required flags"))
	}
	switch {
	case len(sa.KeyFiles) == 0 && sa.SigningEndpoint == "":
		errs = append(errs, errors.New("either `--service-account-key-file` or `--service-account-signing-endpoint` must be set"))
	case len(sa.KeyFiles) > 0 && sa.SigningEndpoint != "":
		errs = append(errs, errors.New("`--service-account-key-file` and `--service-account-signing-endpoint` are mutually exclusive and cannot be set at the same time"))
	}
	if sa.MaxExpiration != 0 && (sa.MaxExpiration < time.Hour || sa.MaxExpiration > (1<<32)*time.Second) {
		errs = append(errs, fmt.Errorf("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds"))
	}
	if c.OIDC.used() && (c.OIDC.IssuerURL == "" || c.OIDC.ClientID == "") {
		errs = append(errs, errors.New("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"))
	}
	if c.ConfigFile != "" && c.OIDC.used() {
		errs = append(errs, errors.New("authentication-config file and oidc-* flags are mutually exclusive"))
	}
	errs = append(errs, c.RequestHeader.Validate()...)
	return errors.Join(errs...)
}

// used tells whether anything differs from the defaults.
func (o *OIDC) used() bool {
	return o.IssuerURL != "" || o.ClientID != "" || o.CAFile != "" || o.UsernamePrefix != "" || o.GroupsClaim != "" ||
		o.GroupsPrefix != "" || len(o.RequiredClaims) > 0 || o.UsernameClaim != "sub" || !slices.Equal(o.SigningAlgs, []string{"RS256"})
}
