package rbac

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// allows tells whether the rule grants what the request asks.
func allows(rule *rbacv1.PolicyRule, a authorizer.Attributes) bool {
	if !hasOrAll(rule.Verbs, a.GetVerb(), rbacv1.VerbAll) {
		return false
	}
	if !a.IsResourceRequest() {
		return slices.ContainsFunc(rule.NonResourceURLs, func(pattern string) bool { return matchesURL(pattern, a.GetPath()) })
	}
	return hasOrAll(rule.APIGroups, a.GetAPIGroup(), rbacv1.APIGroupAll) &&
		matchesResource(rule.Resources, a.GetResource(), a.GetSubresource()) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, a.GetName()))
}

func hasOrAll(list []string, value, all string) bool {
	return slices.Contains(list, all) || slices.Contains(list, value)
}

// matchesResource compares "resource" or "resource/subresource"; "*/subresource" means that subresource of everything.
func matchesResource(list []string, resource, subresource string) bool {
	wanted := resource
	if subresource != "" {
		wanted = resource + "/" + subresource
	}
	for _, r := range list {
		if r == rbacv1.ResourceAll || r == wanted {
			return true
		}
		if subresource != "" && r == "*/"+subresource {
			return true
		}
	}
	return false
}

// matchesURL compares a path; a pattern that ends in * matches by prefix.
func matchesURL(pattern, path string) bool {
	if pattern == rbacv1.NonResourceAll || pattern == path {
		return true
	}
	prefix, wild := strings.CutSuffix(pattern, "*")
	return wild && strings.HasPrefix(path, prefix)
}
