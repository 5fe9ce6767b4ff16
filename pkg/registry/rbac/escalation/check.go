package escalation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/component-helpers/auth/rbac/validation"
)

// Resolver knows the rules that users and roles have.
type Resolver interface {
	PolicyRules(u user.Info, namespace string) ([]rbacv1.PolicyRule, error)
	RoleRules(ref rbacv1.RoleRef, namespace string) ([]rbacv1.PolicyRule, error)
}

// Checker refuses escalation.
type Checker struct {
	Resolver   Resolver
	Authorizer authorizer.Authorizer
	// Enabled is false where RBAC does not decide: then roles grant nothing and anybody may write them.
	Enabled bool
}

// resourceRef is a role or binding in the making.
type resourceRef struct{ resource, namespace, name string }

// Role returns an error unless the caller may write a role with these rules. The resource is roles or clusterroles.
func (c *Checker) Role(ctx context.Context, resource, namespace, name string, rules []rbacv1.PolicyRule, aggregated bool) error {
	if !c.Enabled || exempt(ctx) {
		return nil
	}
	if c.may(ctx, "escalate", resourceRef{resource, namespace, name}) {
		return nil
	}
	gr := rbacv1.SchemeGroupVersion.WithResource(resource).GroupResource()
	if aggregated && !holdsAll(ctx, c) {
		return apierrors.NewForbidden(gr, name, fmt.Errorf("must have cluster-admin privileges to use an aggregationRule"))
	}
	if err := c.covers(ctx, namespace, rules); err != nil {
		return apierrors.NewForbidden(gr, name, err)
	}
	return nil
}

// Binding returns an error unless the caller may bind the role. The resource is rolebindings or clusterrolebindings.
func (c *Checker) Binding(ctx context.Context, resource, namespace, name string, ref rbacv1.RoleRef) error {
	if !c.Enabled || exempt(ctx) {
		return nil
	}
	role := resourceRef{"clusterroles", namespace, ref.Name}
	if ref.Kind == "Role" {
		role.resource = "roles"
	}
	if c.may(ctx, "bind", role) {
		return nil
	}
	gr := rbacv1.SchemeGroupVersion.WithResource(resource).GroupResource()
	rules, err := c.Resolver.RoleRules(ref, namespace)
	if apierrors.IsNotFound(err) {
		// As upstream: what was asked for, with the name of the role that is missing.
		return apierrors.NewNotFound(gr, ref.Name)
	}
	if err != nil {
		return err
	}
	if err := c.covers(ctx, namespace, rules); err != nil {
		return apierrors.NewForbidden(gr, name, err)
	}
	return nil
}

// exempt lets the server itself and its administrators through, also while RBAC knows nothing yet.
func exempt(ctx context.Context) bool {
	u, ok := genericrequest.UserFrom(ctx)
	return !ok || slices.Contains(u.GetGroups(), user.SystemPrivilegedGroup)
}

func (c *Checker) may(ctx context.Context, verb string, r resourceRef) bool {
	u, ok := genericrequest.UserFrom(ctx)
	if !ok {
		return false
	}
	decision, _, err := c.Authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: u, Verb: verb, APIGroup: rbacv1.GroupName, APIVersion: "*", Resource: r.resource,
		Name: r.name, Namespace: r.namespace, ResourceRequest: true,
	})
	return err == nil && decision == authorizer.DecisionAllow
}

func holdsAll(ctx context.Context, c *Checker) bool {
	all := []rbacv1.PolicyRule{
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
		{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
	}
	return c.covers(ctx, "", all) == nil
}

// covers returns an error that names the rules which the caller does not hold.
func (c *Checker) covers(ctx context.Context, namespace string, rules []rbacv1.PolicyRule) error {
	u, ok := genericrequest.UserFrom(ctx)
	if !ok {
		return fmt.Errorf("no user on context")
	}
	own, resolveErr := c.Resolver.PolicyRules(u, namespace)
	held, missing := validation.Covers(own, rules)
	if held {
		return nil
	}
	texts := sets.New[string]()
	for _, r := range missing {
		texts.Insert(compact(r))
	}
	msg := fmt.Sprintf("user %q (groups=%q) is attempting to grant RBAC permissions not currently held:\n%s", u.GetName(), u.GetGroups(), strings.Join(sets.List(texts), "\n"))
	if resolveErr != nil {
		msg += fmt.Sprintf("; resolution errors: %v", resolveErr)
	}
	return fmt.Errorf("%s", msg)
}

// compact prints a rule as upstream does, leaving out what is empty.
func compact(r rbacv1.PolicyRule) string {
	var parts []string
	add := func(name string, list []string) {
		if len(list) > 0 {
			parts = append(parts, fmt.Sprintf("%s:%q", name, list))
		}
	}
	add("APIGroups", r.APIGroups)
	add("Resources", r.Resources)
	add("ResourceNames", r.ResourceNames)
	add("NonResourceURLs", r.NonResourceURLs)
	add("Verbs", r.Verbs)
	return "{" + strings.Join(parts, ", ") + "}"
}
