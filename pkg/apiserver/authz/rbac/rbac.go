package rbac

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
)

// Authorizer decides by the stored roles and bindings.
type Authorizer struct{ index *index }

var (
	_ authorizer.Authorizer   = &Authorizer{}
	_ authorizer.RuleResolver = &Authorizer{}
)

// New makes the authorizer on the informers' caches, which the caller starts.
func New(informers rbacinformers.Interface) (*Authorizer, error) {
	i, err := newIndex(informers)
	if err != nil {
		return nil, err
	}
	return &Authorizer{i}, nil
}

// HasSynced tells whether every cache the decisions rest on is filled.
func (a *Authorizer) HasSynced() bool {
	for _, synced := range a.index.synced {
		if !synced() {
			return false
		}
	}
	return true
}

// Authorize implements authorizer.Authorizer. It never denies: a later authorizer may allow.
func (a *Authorizer) Authorize(_ context.Context, attrs authorizer.Attributes) (authorizer.Decision, string, error) {
	var reason string
	allowed := false
	err := a.visit(attrs.GetUser(), attrs.GetNamespace(), func(source source, rule *rbacv1.PolicyRule) bool {
		if allows(rule, attrs) {
			allowed, reason = true, "RBAC: allowed by "+source.String()
		}
		return !allowed
	})
	if allowed {
		return authorizer.DecisionAllow, reason, nil
	}
	if err != nil {
		reason = "RBAC: " + err.Error()
	}
	return authorizer.DecisionNoOpinion, reason, nil
}

// RulesFor implements authorizer.RuleResolver.
func (a *Authorizer) RulesFor(_ context.Context, u user.Info, namespace string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	var resources []authorizer.ResourceRuleInfo
	var others []authorizer.NonResourceRuleInfo
	err := a.visit(u, namespace, func(_ source, rule *rbacv1.PolicyRule) bool {
		if len(rule.Resources) > 0 {
			resources = append(resources, &authorizer.DefaultResourceRuleInfo{
				Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames,
			})
		}
		if len(rule.NonResourceURLs) > 0 {
			others = append(others, &authorizer.DefaultNonResourceRuleInfo{Verbs: rule.Verbs, NonResourceURLs: rule.NonResourceURLs})
		}
		return true
	})
	return resources, others, false, err
}

// PolicyRules returns every rule the user has in the namespace; an empty one asks for the rules that hold everywhere.
// Roles that a binding names and that do not exist are in the error; the rules found are returned all the same.
func (a *Authorizer) PolicyRules(u user.Info, namespace string) ([]rbacv1.PolicyRule, error) {
	var rules []rbacv1.PolicyRule
	err := a.visit(u, namespace, func(_ source, rule *rbacv1.PolicyRule) bool {
		rules = append(rules, *rule)
		return true
	})
	return rules, err
}

// RoleRules returns the rules of the role that a binding of the namespace refers to.
func (a *Authorizer) RoleRules(ref rbacv1.RoleRef, namespace string) ([]rbacv1.PolicyRule, error) {
	switch ref.Kind {
	case "Role":
		role, err := a.index.roles.Roles(namespace).Get(ref.Name)
		if err != nil {
			return nil, err
		}
		return role.Rules, nil
	case "ClusterRole":
		role, err := a.index.clusterRoles.Get(ref.Name)
		if err != nil {
			return nil, err
		}
		return role.Rules, nil
	default:
		return nil, fmt.Errorf("unsupported role reference kind: %q", ref.Kind)
	}
}

// source is the binding a rule comes from.
type source struct {
	cluster *rbacv1.ClusterRoleBinding
	binding *rbacv1.RoleBinding
	user    user.Info
}

func (s source) String() string {
	if s.cluster != nil {
		return fmt.Sprintf("ClusterRoleBinding %q of %s %q to %s", s.cluster.Name, s.cluster.RoleRef.Kind, s.cluster.RoleRef.Name, s.subject(s.cluster.Subjects, ""))
	}
	return fmt.Sprintf("RoleBinding %q of %s %q to %s", s.binding.Name+"/"+s.binding.Namespace, s.binding.RoleRef.Kind, s.binding.RoleRef.Name, s.subject(s.binding.Subjects, s.binding.Namespace))
}

func (s source) subject(subjects []rbacv1.Subject, namespace string) string {
	keys := keysOf(s.user)
	for _, sub := range subjects {
		if !slices.Contains(keys, subjectKey(sub, namespace)) {
			continue
		}
		if sub.Kind == rbacv1.ServiceAccountKind {
			return fmt.Sprintf("%s %q", sub.Kind, sub.Name+"/"+sub.Namespace)
		}
		return fmt.Sprintf("%s %q", sub.Kind, sub.Name)
	}
	return ""
}

// visit calls f with every rule of the user until f returns false. Bindings to roles that cannot be read are skipped and
// reported.
func (a *Authorizer) visit(u user.Info, namespace string, f func(source, *rbacv1.PolicyRule) bool) error {
	var errs []error
	rulesOf := func(ref rbacv1.RoleRef, namespace string, s source) bool {
		rules, err := a.RoleRules(ref, namespace)
		if err != nil {
			if !apierrors.IsNotFound(err) {
				errs = append(errs, err)
			} else {
				errs = append(errs, fmt.Errorf("%s %q not found", strings.ToLower(ref.Kind), ref.Name))
			}
			return true
		}
		for i := range rules {
			if !f(s, &rules[i]) {
				return false
			}
		}
		return true
	}
	keys := keysOf(u)
	for _, key := range keys {
		found, err := a.index.clusterRoleBindings.ByIndex(bySubject, key)
		if err != nil {
			return err
		}
		for _, obj := range found {
			b := obj.(*rbacv1.ClusterRoleBinding)
			if !rulesOf(b.RoleRef, "", source{cluster: b, user: u}) {
				return nil
			}
		}
	}
	if namespace == "" {
		return utilerrors.NewAggregate(errs)
	}
	for _, key := range keys {
		found, err := a.index.bindings.ByIndex(bySubject, namespace+"\n"+key)
		if err != nil {
			return err
		}
		for _, obj := range found {
			b := obj.(*rbacv1.RoleBinding)
			if !rulesOf(b.RoleRef, namespace, source{binding: b, user: u}) {
				return nil
			}
		}
	}
	return utilerrors.NewAggregate(errs)
}
