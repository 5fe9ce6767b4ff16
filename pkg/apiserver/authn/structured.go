package authn

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	apiserverapi "k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
)

// newCodecs decodes configuration files strictly: a misspelt field would otherwise open or close a door unseen.
func newCodecs() serializer.CodecFactory {
	s := runtime.NewScheme()
	install.Install(s)
	return serializer.NewCodecFactory(s, serializer.EnableStrict)
}

// readStructured reads an AuthenticationConfiguration of any served version. The text is returned too, so that a change can
// be told from a touch.
func readStructured(file string) (*apiserverapi.AuthenticationConfiguration, []byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to load authentication configuration from file %q: %w", file, err)
	}
	config, err := decodeStructured(text)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to load authentication configuration from file %q: %w", file, err)
	}
	return config, text, nil
}

func decodeStructured(text []byte) (*apiserverapi.AuthenticationConfiguration, error) {
	if len(text) == 0 {
		return nil, errors.New("empty config data")
	}
	o, err := runtime.Decode(newCodecs().UniversalDecoder(), text)
	if err != nil {
		return nil, err
	}
	config, ok := o.(*apiserverapi.AuthenticationConfiguration)
	if !ok {
		return nil, fmt.Errorf("expected AuthenticationConfiguration, got %T", o)
	}
	return config, nil
}

// checkStructured tells what is wrong with the configuration beside this server's other settings.
func (c *Config) checkStructured(config *apiserverapi.AuthenticationConfiguration, compiler authenticationcel.Compiler) error {
	errs := validation.ValidateAuthenticationConfiguration(compiler, config, c.ServiceAccounts.Issuers)
	if err := errs.ToAggregate(); err != nil {
		return fmt.Errorf("invalid authentication configuration: %w", err)
	}
	return nil
}

// structured returns the configuration in its structured form, whether it comes from a file or from flags; fromFile is the
// file's text.
func (c *Config) structured() (config *apiserverapi.AuthenticationConfiguration, fromFile []byte, err error) {
	if c.ConfigFile == "" {
		config, err = c.OIDC.structured()
		return config, nil, err
	}
	if config, fromFile, err = readStructured(c.ConfigFile); err != nil {
		return nil, nil, err
	}
	if config.Anonymous != nil && c.AnonymousSet {
		return nil, nil, field.Forbidden(field.NewPath("anonymous"), "--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file")
	}
	return config, fromFile, nil
}

// anonymous says who may come without credentials: what the file says, else the flag.
func (c *Config) anonymous(config *apiserverapi.AuthenticationConfiguration) *apiserverapi.AnonymousAuthConfig {
	if config.Anonymous != nil {
		return config.Anonymous
	}
	return &apiserverapi.AnonymousAuthConfig{Enabled: c.Anonymous}
}

// structured turns the flags of the single issuer into the structured form.
func (o *OIDC) structured() (*apiserverapi.AuthenticationConfiguration, error) {
	config := &apiserverapi.AuthenticationConfiguration{}
	if o.IssuerURL == "" {
		return config, nil
	}
	userPrefix := o.UsernamePrefix
	switch {
	case userPrefix == "-":
		userPrefix = ""
	case userPrefix == "" && o.UsernameClaim != "email":
		// Without a prefix the names of one issuer could be those of another.
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
	if o.CAFile != "" {
		ca, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading OIDC CA: %w", err)
		}
		jwt.Issuer.CertificateAuthority = string(ca)
	}
	config.JWT = append(config.JWT, jwt)
	return config, nil
}
