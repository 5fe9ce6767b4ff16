package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

const openIDPath = "/.well-known/openid-configuration"

// eventually waits for the keys of the issuer, which are fetched in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) { return ok(), nil })
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func mapped(i *issuer, more string) string {
	return fmt.Sprintf(`jwt:
- issuer:
    url: %s
    audiences: [cluster, other]
    audienceMatchPolicy: MatchAny
    certificateAuthority: %s
%s`, i.URL, i.ca(), more)
}

const expressions = `  claimValidationRules:
  - {claim: hd, requiredValue: example.com}
  - {expression: "claims.exp - claims.iat <= 86400", message: token lives too long}
  claimMappings:
    username: {expression: "'oidc:' + claims.sub"}
    groups: {expression: "claims.?roles.orValue([])"}
    uid: {claim: uid}
    extra: [{key: example.com/tenant, valueExpression: "claims.tenant"}]
  userValidationRules:
  - {expression: "!user.username.startsWith('oidc:system')", message: system names are reserved}
`

func TestExpressions(t *testing.T) {
	i := newIssuer(t, openIDPath)
	r, err := newResult(t, fileConfig(t, mapped(i, expressions)))
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]any{"sub": "alice", "aud": "other", "hd": "example.com", "roles": []string{"dev"}, "tenant": "t1", "uid": "7"}
	with := func(changes map[string]any) string {
		all := map[string]any{}
		for k, v := range good {
			all[k] = v
		}
		for k, v := range changes {
			all[k] = v
		}
		return i.token(t, all)
	}
	eventually(t, "the issuer's keys", func() bool {
		name, groups, extra, err := who(r, "/", with(nil))
		if err != nil {
			return false
		}
		if name != "oidc:alice" || !slices.Contains(groups, "dev") || !slices.Contains(groups, "system:authenticated") || !slices.Equal(extra["example.com/tenant"], []string{"t1"}) {
			t.Fatalf("got %s %v %v", name, groups, extra)
		}
		return true
	})
	for name, c := range map[string]struct {
		token, want string
	}{
		"not the audience":     {with(map[string]any{"aud": "nobody"}), "expected audience"},
		"required claim":       {with(map[string]any{"hd": "example.org"}), "hd"},
		"validation rule":      {with(map[string]any{"exp": time.Now().Add(72 * time.Hour).Unix()}), "token lives too long"},
		"user validation rule": {with(map[string]any{"sub": "system:x"}), "system names are reserved"},
		"expired":              {with(map[string]any{"exp": time.Now().Add(-time.Hour).Unix(), "iat": time.Now().Add(-2 * time.Hour).Unix()}), "expired"},
		"another key":          {newIssuer(t, openIDPath).token(t, map[string]any{"iss": i.URL, "sub": "alice", "aud": "other", "hd": "example.com", "tenant": "t1"}), "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _, _, err := who(r, "/", c.token); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

const plain = `  claimMappings:
    username: {claim: sub, prefix: ""}
`

func TestDiscoveryURL(t *testing.T) {
	i := newIssuer(t, "/elsewhere/openid-configuration")
	text := strings.Replace(mapped(i, plain), "    audiences:", "    discoveryURL: "+i.URL+"/elsewhere/openid-configuration\n    audiences:", 1)
	r, err := newResult(t, fileConfig(t, text))
	if err != nil {
		t.Fatal(err)
	}
	token := i.token(t, map[string]any{"sub": "bob", "aud": "cluster"})
	eventually(t, "the issuer's keys", func() bool { name, _, _, _ := who(r, "/", token); return name == "bob" })
}

func TestFlagsAsStructured(t *testing.T) {
	i := newIssuer(t, openIDPath)
	c := NewConfig()
	c.APIAudiences = []string{"https://api"}
	ca := t.TempDir() + "/ca.crt"
	write(t, ca, strings.ReplaceAll(strings.Trim(i.ca(), `"`), `\n`, "\n"))
	c.OIDC.IssuerURL, c.OIDC.ClientID, c.OIDC.CAFile = i.URL, "cluster", ca
	c.OIDC.SigningAlgs = []string{"ES256"}
	c.OIDC.GroupsClaim, c.OIDC.GroupsPrefix = "groups", "g:"
	c.OIDC.RequiredClaims = map[string]string{"hd": "example.com"}
	r, err := newResult(t, c)
	if err != nil {
		t.Fatal(err)
	}
	token := i.token(t, map[string]any{"sub": "bob", "aud": "cluster", "hd": "example.com", "groups": []string{"dev"}})
	eventually(t, "the issuer's keys", func() bool {
		name, groups, _, _ := who(r, "/", token)
		return name == i.URL+"#bob" && slices.Contains(groups, "g:dev")
	})
	if _, _, _, err := who(r, "/", i.token(t, map[string]any{"sub": "bob", "aud": "cluster"})); err == nil {
		t.Error("a token without the required claim is taken")
	}
}

func TestAnonymousConditions(t *testing.T) {
	r, err := newResult(t, fileConfig(t, "anonymous: {enabled: true, conditions: [{path: /livez}]}\njwt: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	if name, _, _, err := who(r, "/livez", ""); name != "system:anonymous" || err != nil {
		t.Errorf("/livez: %q, %v", name, err)
	}
	if name, _, _, _ := who(r, "/api", ""); name != "" {
		t.Errorf("/api: %q came in", name)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change func(*Config)
		want   string
	}{
		"no https": {"jwt: [{issuer: {url: 'http://x', audiences: [a]}, claimMappings: {username: {claim: sub, prefix: ''}}}]", nil,
			`invalid authentication configuration: jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https`},
		"own issuer": {"jwt: [{issuer: {url: 'https://kubernetes.default.svc', audiences: [a]}, claimMappings: {username: {claim: sub, prefix: ''}}}]", nil,
			"URL must not overlap with disallowed issuers"},
		"egress without a proxy": {"jwt: [{issuer: {url: 'https://y', audiences: [a], egressSelectorType: cluster}, claimMappings: {username: {claim: sub, prefix: ''}}}]", nil,
			`oidc: egress lookup required with egress selector type "cluster"`},
		"expression": {"jwt: [{issuer: {url: 'https://y', audiences: [a]}, claimMappings: {username: {expression: 'claims.'}}}]", nil,
			"jwt[0].claimMappings.username.expression"},
		"misspelt": {"jwts: []", nil, `unknown field "jwts"`},
		"anonymous twice": {"anonymous: {enabled: true}", func(c *Config) { c.AnonymousSet = true },
			"anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file"},
	} {
		t.Run(name, func(t *testing.T) {
			config := fileConfig(t, c.text)
			if c.change != nil {
				c.change(&config)
			}
			if _, err := newResult(t, config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestReload: a changed file replaces the issuers, and one that cannot be used leaves them.
func TestReload(t *testing.T) {
	first, second := newIssuer(t, openIDPath), newIssuer(t, openIDPath)
	c := fileConfig(t, mapped(first, plain))
	r, err := newResult(t, c)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(aud string) map[string]any { return map[string]any{"sub": "bob", "aud": aud} }
	known := func(i *issuer) bool {
		name, _, _, _ := who(r, "/", i.token(t, claims("cluster")))
		return name == "bob"
	}
	eventually(t, "the first issuer", func() bool { return known(first) })
	write(t, c.ConfigFile, "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"+mapped(second, plain))
	eventually(t, "the second issuer", func() bool { return known(second) })
	// A token of its own each time, so that no cache answers for it.
	if name, _, _, _ := who(r, "/", first.token(t, map[string]any{"sub": "bob", "aud": "cluster", "jti": "new"})); name != "" {
		t.Error("the first issuer is still taken")
	}
}

func TestReloadRefused(t *testing.T) {
	i := newIssuer(t, openIDPath)
	c := fileConfig(t, mapped(i, plain))
	config, text, err := c.structured()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j, err := newJWTIssuers(ctx, c, Dependencies{Clock: clock.RealClock{}}, config, text)
	if err != nil {
		t.Fatal(err)
	}
	j.settle = 100 * time.Millisecond
	before := j.current.Load()
	gone := newIssuer(t, openIDPath)
	gone.Close()
	const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"
	for name, text := range map[string]string{
		"nonsense":                 head + "jwts: []",
		"invalid":                  head + "jwt: [{issuer: {url: 'http://x', audiences: [a]}, claimMappings: {username: {claim: sub, prefix: ''}}}]",
		"anonymous changed":        head + "anonymous: {enabled: false}\n" + mapped(i, plain),
		"issuer that is not there": head + mapped(gone, plain),
	} {
		t.Run(name, func(t *testing.T) {
			write(t, c.ConfigFile, text)
			if changed, err := j.reload(ctx); changed || err == nil {
				t.Errorf("changed %v, %v", changed, err)
			}
			if j.current.Load() != before {
				t.Error("the issuers were replaced")
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"file and flags":        {func(c *Config) { c.ConfigFile, c.OIDC.IssuerURL, c.OIDC.ClientID = "x", "https://a", "b" }, "authentication-config file and oidc-* flags are mutually exclusive"},
		"issuer alone":          {func(c *Config) { c.OIDC.IssuerURL = "https://a" }, "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"},
		"claim alone":           {func(c *Config) { c.OIDC.UsernameClaim = "x" }, "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"},
		"no keys":               {func(c *Config) { c.ServiceAccounts.KeyFiles = nil }, "either `--service-account-key-file` or `--service-account-signing-endpoint` must be set"},
		"no issuer":             {func(c *Config) { c.ServiceAccounts.Issuers = nil }, "service-account-issuer is a required flag"},
		"an empty issuer":       {func(c *Config) { c.ServiceAccounts.Issuers = []string{""} }, "service-account-issuer should not be an empty string"},
		"an issuer twice":       {func(c *Config) { c.ServiceAccounts.Issuers = []string{"https://x", "https://x"} }, `service-account-issuer "https://x" is already specified`},
		"an odd issuer":         {func(c *Config) { c.ServiceAccounts.Issuers = []string{":x:"} }, `service-account-issuer ":x:" contained a ':' but was not a valid URL: parse ":x:": missing protocol scheme`},
		"an odd place of keys":  {func(c *Config) { c.ServiceAccounts.JWKSURI = ":" }, `service-account-jwks-uri must be a valid URL: parse ":": missing protocol scheme`},
		"an open place of keys": {func(c *Config) { c.ServiceAccounts.JWKSURI = "http://a" }, "service-account-jwks-uri requires https scheme, parsed as: http://a"},
		"too short lifetimes":   {func(c *Config) { c.ServiceAccounts.MaxExpiration = time.Minute }, "must be between 1 hour and 2^32 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewConfig()
			config.ServiceAccounts.Issuers, config.ServiceAccounts.KeyFiles = []string{"https://x"}, []string{"k"}
			if err := errors.Join(config.Validate()...); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			c.change(&config)
			if err := errors.Join(config.Validate()...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestKeysBesideSigner(t *testing.T) {
	config := NewConfig()
	config.ServiceAccounts.KeyFiles, config.ServiceAccounts.SigningEndpoint = []string{"k"}, "s"
	if err := setKeys(t.Context(), config, Dependencies{}, &Result{}); err == nil || !strings.Contains(err.Error(), "mutually exclusive") {
		t.Errorf("got %v", err)
	}
}
