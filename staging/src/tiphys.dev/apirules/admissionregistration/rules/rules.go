package rules

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/celcheck"
	"tiphys.dev/apirules/check"
)

const mostConditions = 64

// SetDefaults lets a rule mean resources of any scope.
func SetDefaults(r *v1.Rule) {
	if r.Scope == nil {
		all := v1.AllScopes
		r.Scope = &all
	}
}

// ValidateRule checks operations and what they are on.
func ValidateRule(r *v1.RuleWithOperations, subresources bool, path *field.Path) field.ErrorList {
	errs := validateParts(&r.Rule, subresources, path)
	if len(r.Operations) == 0 {
		errs = append(errs, field.Required(path.Child("operations"), ""))
	}
	if len(r.Operations) > 1 && slices.Contains(r.Operations, v1.OperationAll) {
		errs = append(errs, field.Invalid(path.Child("operations"), r.Operations, "if '*' is present, must not specify other operations"))
	}
	for i, op := range r.Operations {
		errs = append(errs, check.OneOf(path.Child("operations").Index(i), op, v1.OperationAll, v1.Connect, v1.Create, v1.Delete, v1.Update)...)
	}
	return errs
}

func validateParts(r *v1.Rule, subresources bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	star := func(child string, list []string, what string, emptyOK bool) {
		at := path.Child(child)
		if len(list) == 0 {
			errs = append(errs, field.Required(at, ""))
		}
		if len(list) > 1 && slices.Contains(list, "*") {
			errs = append(errs, field.Invalid(at, list, fmt.Sprintf("if '*' is present, must not specify other %s", what)))
		}
		for i, v := range list {
			if v == "" && !emptyOK {
				errs = append(errs, field.Required(at.Index(i), ""))
			}
		}
	}
	star("apiGroups", r.APIGroups, "API groups", true)
	star("apiVersions", r.APIVersions, "API versions", false)
	errs = append(errs, validateResources(r.Resources, subresources, path.Child("resources"))...)
	if r.Scope != nil {
		errs = append(errs, check.OneOf(path.Child("scope"), *r.Scope, v1.AllScopes, v1.ClusterScope, v1.NamespacedScope)...)
	}
	return errs
}

// validateResources wants no name that another one of the list covers already.
func validateResources(list []string, subresources bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(list) == 0 {
		errs = append(errs, field.Required(path, ""))
	}
	// Of which resources all subresources are named, and which subresources are named of all resources.
	all, of := sets.New[string](), sets.New[string]()
	for i, name := range list {
		at := path.Index(i)
		if name == "" {
			errs = append(errs, field.Required(at, ""))
			continue
		}
		resource, sub, has := strings.Cut(name, "/")
		if !has {
			continue
		}
		if !subresources {
			errs = append(errs, field.Invalid(at, name, "must not specify subresources"))
			continue
		}
		if all.Has(resource) {
			errs = append(errs, field.Invalid(at, name, fmt.Sprintf("if '%s/*' is present, must not specify %s", resource, name)))
		}
		if of.Has(sub) {
			errs = append(errs, field.Invalid(at, name, fmt.Sprintf("if '*/%s' is present, must not specify %s", sub, name)))
		}
		if sub == "*" {
			all.Insert(resource)
		}
		if resource == "*" {
			of.Insert(sub)
		}
	}
	if len(list) > 1 && slices.Contains(list, "*/*") {
		errs = append(errs, field.Invalid(path, list, "if '*/*' is present, must not specify other resources"))
	}
	if len(list) > 1 && slices.Contains(list, "*") {
		for _, name := range list {
			if !strings.Contains(name, "/") && name != "*" {
				errs = append(errs, field.Invalid(path, list, "if '*' is present, must not specify other resources without subresources"))
				break
			}
		}
	}
	return errs
}

// ValidateConditions checks conditions under which a request is looked at: names and CEL. Those that were there before
// are compiled as stored ones.
func ValidateConditions(conditions, old []v1.MatchCondition, check1 func(celcheck.Expression, bool, *field.Path) field.ErrorList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	stored := sets.New[string]()
	for _, c := range old {
		stored.Insert(c.Expression)
	}
	if len(conditions) > mostConditions {
		errs = append(errs, field.TooMany(path, len(conditions), mostConditions))
	}
	for i, c := range conditions {
		at := path.Index(i)
		if strings.TrimSpace(c.Expression) == "" {
			errs = append(errs, field.Required(at.Child("expression"), ""))
		} else {
			errs = append(errs, check1(celcheck.Expression{Text: strings.TrimSpace(c.Expression), Types: celcheck.Bool}, stored.Has(c.Expression), at.Child("expression"))...)
		}
		if c.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
			continue
		}
		errs = append(errs, check.Messages(at.Child("name"), c.Name, validation.IsQualifiedName(c.Name))...)
		if seen.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		seen.Insert(c.Name)
	}
	return errs
}
