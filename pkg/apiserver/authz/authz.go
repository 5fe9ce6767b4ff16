package authz

import (
	"context"
	"fmt"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	authorizationcel "k8s.io/apiserver/pkg/authorization/cel"
	"k8s.io/apiserver/pkg/authorization/metrics"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/client-go/informers"

	"tiphys.dev/tiphys/pkg/apiserver/authz/abac"
	"tiphys.dev/tiphys/pkg/apiserver/authz/node"
	"tiphys.dev/tiphys/pkg/apiserver/authz/rbac"
)

// Dependencies are what the authorizers need of the server they stand in.
type Dependencies struct {
	// Informers fill the caches; the caller starts them.
	Informers informers.SharedInformerFactory
	// ServerID names the server in metrics.
	ServerID string
	// Dial reaches webhooks; nil dials directly.
	Dial utilnet.DialFunc
}

// Result is the built chain.
type Result struct {
	Authorizer authorizer.Authorizer
	Rules      authorizer.RuleResolver
	// RBAC answers which rules a user has, also when RBAC is not among the modes: the checks against escalation need it.
	RBAC *rbac.Authorizer
	// Enabled tells whether RBAC decides, and so whether escalation is checked.
	Enabled bool
}

// New builds the chain. With a structured configuration it follows the file until ctx ends.
func New(ctx context.Context, c Config, d Dependencies) (*Result, error) {
	metrics.RegisterMetrics()
	compiler := authorizationcel.NewDefaultCompiler()
	config, text, err := c.structured(compiler)
	if err != nil {
		return nil, err
	}
	b := &builder{deps: d, compiler: compiler, fixed: map[string]member{}}
	if b.rbac, err = rbac.New(d.Informers.Rbac().V1()); err != nil {
		return nil, err
	}
	if err := b.addFixed(c, config); err != nil {
		return nil, err
	}
	first, err := b.chain(config)
	if err != nil {
		return nil, err
	}
	r := &Result{Authorizer: first, Rules: first, RBAC: b.rbac, Enabled: fixedTypes(config).Has(ModeRBAC)}
	if c.ConfigFile != "" {
		followed := newReloadable(c.ConfigFile, text, fixedTypes(config), b, first)
		r.Authorizer, r.Rules = followed, followed
		go followed.watch(ctx)
	}
	return r, nil
}

// member is an authorizer that can also list rules.
type member interface {
	authorizer.Authorizer
	authorizer.RuleResolver
}

// chain is the authorizers of one configuration, in order.
type chain struct {
	authorizer.Authorizer
	authorizer.RuleResolver
}

// builder makes chains. What keeps caches is made once and is part of each chain.
type builder struct {
	deps     Dependencies
	compiler authorizationcel.Compiler
	rbac     *rbac.Authorizer
	fixed    map[string]member
}

func (b *builder) addFixed(c Config, config *apiserver.AuthorizationConfiguration) error {
	for kind := range fixedTypes(config) {
		var err error
		switch kind {
		case ModeAlwaysAllow:
			b.fixed[kind] = authorizerfactory.NewAlwaysAllowAuthorizer()
		case ModeAlwaysDeny:
			b.fixed[kind] = authorizerfactory.NewAlwaysDenyAuthorizer()
		case ModeRBAC:
			b.fixed[kind] = b.rbac
		case ModeABAC:
			b.fixed[kind], err = abac.Load(c.PolicyFile)
		case ModeNode:
			b.fixed[kind], err = node.New(b.deps.Informers)
		default:
			err = fmt.Errorf("authorization mode %q is not known", kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) chain(config *apiserver.AuthorizationConfiguration) (*chain, error) {
	// Members of system:masters are let through before any mode is asked, so that no policy can lock the administrator out.
	authorizers := []authorizer.Authorizer{authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)}
	var rules []authorizer.RuleResolver
	for _, m := range config.Authorizers {
		one := b.fixed[string(m.Type)]
		if m.Type == apiserver.TypeWebhook {
			w, err := newWebhook(m, b.deps.Dial, b.compiler)
			if err != nil {
				return nil, err
			}
			one = w
		}
		authorizers = append(authorizers, metrics.InstrumentedAuthorizer(string(m.Type), m.Name, one))
		rules = append(rules, one)
	}
	return &chain{union.New(authorizers...), union.NewRuleResolvers(rules...)}, nil
}
