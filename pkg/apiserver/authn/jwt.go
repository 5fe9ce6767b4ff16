package authn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	apiserverapi "k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options/authenticationconfig/metrics"
	"k8s.io/apiserver/pkg/util/filesystem"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// jwtIssuers verifies the tokens of the JWT issuers of a structured configuration. A changed file replaces all issuers at
// once, and only after the new ones have their keys.
type jwtIssuers struct {
	config   Config
	deps     Dependencies
	compiler authenticationcel.Compiler
	// startup is what the file said at the start: parts that do not change while the server runs are compared with it.
	startup *apiserverapi.AuthenticationConfiguration

	// settle is how long new issuers have to become healthy, linger how long replaced ones go on for requests under way.
	settle, linger time.Duration

	// text is the configuration in force. Only New and the one reloading goroutine touch it.
	text    []byte
	current atomic.Pointer[issuers]
}

// issuers are those of one version of the file.
type issuers struct {
	tokens  []authenticator.Token
	union   authenticator.Token
	healthy func() error
	stop    context.CancelFunc
}

var _ authenticator.Token = &jwtIssuers{}

func newJWTIssuers(ctx context.Context, c Config, d Dependencies, config *apiserverapi.AuthenticationConfiguration, text []byte) (*jwtIssuers, error) {
	j := &jwtIssuers{
		config: c, deps: d, compiler: authenticationcel.NewDefaultCompiler(), startup: config,
		settle: time.Minute, linger: time.Minute, text: text,
	}
	if err := c.checkStructured(config, j.compiler); err != nil {
		return nil, err
	}
	built, err := j.build(ctx, config)
	if err != nil {
		return nil, err
	}
	j.current.Store(built)
	return j, nil
}

// AuthenticateToken implements authenticator.Token.
func (j *jwtIssuers) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if u := j.current.Load().union; u != nil {
		return u.AuthenticateToken(ctx, token)
	}
	return nil, false, nil
}

func (j *jwtIssuers) build(ctx context.Context, config *apiserverapi.AuthenticationConfiguration) (*issuers, error) {
	ctx, cancel := context.WithCancel(ctx)
	built := &issuers{stop: cancel}
	var checks []func() error
	for _, jwt := range config.JWT {
		opts := oidc.Options{
			JWTAuthenticator: jwt, SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(), Compiler: j.compiler,
			DisallowedIssuers: j.config.ServiceAccounts.Issuers, APIServerID: j.deps.ServerID, EgressLookup: j.deps.EgressLookup,
		}
		if j.config.ConfigFile == "" {
			opts.SupportedSigningAlgs = j.config.OIDC.SigningAlgs
		}
		if ca := jwt.Issuer.CertificateAuthority; ca != "" {
			provider, err := dynamiccertificates.NewStaticCAContent("oidc-authenticator", []byte(ca))
			if err != nil {
				cancel()
				return nil, fmt.Errorf("CA of issuer %s: %w", jwt.Issuer.URL, err)
			}
			opts.CAContentProvider = provider
		}
		t, err := oidc.New(ctx, opts)
		if err != nil {
			cancel()
			return nil, err
		}
		built.tokens = append(built.tokens, t)
		checks = append(checks, t.HealthCheck)
	}
	if len(built.tokens) > 0 {
		// Their audiences are the issuer's clients, not the API server's.
		built.union = authenticator.WrapAudienceAgnosticToken(j.config.Audiences(), tokenunion.NewFailOnError(built.tokens...))
	}
	built.healthy = func() error {
		var errs []error
		for _, check := range checks {
			errs = append(errs, check())
		}
		return errors.Join(errs...)
	}
	return built, nil
}

// watch follows the file until ctx ends.
func (j *jwtIssuers) watch(ctx context.Context) {
	metrics.RegisterMetrics()
	metrics.RecordAuthenticationConfigLastConfigInfo(j.deps.ServerID, string(j.text))
	filesystem.WatchUntil(ctx, time.Minute, j.config.ConfigFile,
		func() {
			changed, err := j.reload(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				klog.ErrorS(err, "The changed authentication configuration is not taken; the one before stays in force", "file", j.config.ConfigFile)
				metrics.RecordAuthenticationConfigAutomaticReloadFailure(j.deps.ServerID)
			case changed:
				klog.InfoS("Took the changed authentication configuration", "file", j.config.ConfigFile)
				metrics.RecordAuthenticationConfigAutomaticReloadSuccess(j.deps.ServerID, string(j.text))
			}
		},
		func(err error) {
			klog.ErrorS(err, "Watching the authentication configuration", "file", j.config.ConfigFile)
		})
}

// reload puts the file's configuration in force if it is another one.
func (j *jwtIssuers) reload(ctx context.Context) (changed bool, err error) {
	config, text, err := readStructured(j.config.ConfigFile)
	if err != nil {
		return false, err
	}
	if bytes.Equal(text, j.text) {
		return false, nil
	}
	if err := j.config.checkStructured(config, j.compiler); err != nil {
		return false, err
	}
	if !reflect.DeepEqual(config.Anonymous, j.startup.Anonymous) {
		return false, errors.New("anonymous: Forbidden: changed from initial configuration file")
	}
	next, err := j.build(ctx, config)
	if err != nil {
		return false, err
	}
	var unhealthy error
	err = wait.PollUntilContextTimeout(ctx, time.Second, j.settle, true, func(context.Context) (bool, error) {
		unhealthy = next.healthy()
		return unhealthy == nil, nil
	})
	if err != nil {
		next.stop()
		return false, fmt.Errorf("issuers did not become ready: %w", errors.Join(unhealthy, err))
	}
	j.text = text
	replaced := j.current.Swap(next)
	go stopLater(ctx, j.linger, replaced.stop)
	return true, nil
}

func stopLater(ctx context.Context, after time.Duration, stop func()) {
	defer stop()
	timer := clock.RealClock{}.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C():
	}
}
