package abac

import (
	"context"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Authorizer decides by the policies as they were read.
type Authorizer struct{ policies []Policy }

var (
	_ authorizer.Authorizer   = &Authorizer{}
	_ authorizer.RuleResolver = &Authorizer{}
)

// Authorize implements authorizer.Authorizer.
func (z *Authorizer) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	for i := range z.policies {
		if p := &z.policies[i]; p.concerns(a.GetUser()) && p.allows(a) {
			return authorizer.DecisionAllow, "", nil
		}
	}
	return authorizer.DecisionNoOpinion, "No policy matched.", nil
}

// RulesFor implements authorizer.RuleResolver.
func (z *Authorizer) RulesFor(_ context.Context, u user.Info, namespace string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	var resources []authorizer.ResourceRuleInfo
	var paths []authorizer.NonResourceRuleInfo
	for i := range z.policies {
		p := &z.policies[i]
		if !p.concerns(u) || !covers(p.Namespace, namespace) {
			continue
		}
		if p.Resource != "" {
			resources = append(resources, &authorizer.DefaultResourceRuleInfo{
				Verbs: p.verbs("get", "list", "watch"), APIGroups: []string{p.APIGroup}, Resources: []string{p.Resource},
			})
		}
		if p.NonResourcePath != "" {
			paths = append(paths, &authorizer.DefaultNonResourceRuleInfo{
				Verbs: p.verbs("get"), NonResourceURLs: []string{p.NonResourcePath},
			})
		}
	}
	return resources, paths, false, nil
}

func (p *Policy) verbs(reading ...string) []string {
	if p.Readonly {
		return reading
	}
	return []string{all}
}
