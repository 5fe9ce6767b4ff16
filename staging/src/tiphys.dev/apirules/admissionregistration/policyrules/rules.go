package policyrules

import (
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/celcheck"
	"tiphys.dev/apirules/admissionregistration/rules"
	"tiphys.dev/apirules/check"
)

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// SetMatchDefaults matches all namespaces and objects, and equal resources in other groups and versions.
func SetMatchDefaults(m *v1.MatchResources) {
	if m == nil {
		return
	}
	setDefault(&m.MatchPolicy, v1.Equivalent)
	setDefault(&m.NamespaceSelector, metav1.LabelSelector{})
	setDefault(&m.ObjectSelector, metav1.LabelSelector{})
	for i := range m.ResourceRules {
		rules.SetDefaults(&m.ResourceRules[i].Rule)
	}
	for i := range m.ExcludeResourceRules {
		rules.SetDefaults(&m.ExcludeResourceRules[i].Rule)
	}
}

// ValidateMatch checks which requests a policy looks at. Only a policy, not a binding, must say so.
func ValidateMatch(m *v1.MatchResources, policy bool, at *field.Path) field.ErrorList {
	if m == nil {
		if policy {
			return field.ErrorList{field.Required(at, "")}
		}
		return nil
	}
	var errs field.ErrorList
	if m.MatchPolicy == nil {
		errs = append(errs, field.Required(at.Child("matchPolicy"), ""))
	} else {
		errs = append(errs, check.OneOf(at.Child("matchPolicy"), *m.MatchPolicy, v1.Equivalent, v1.Exact)...)
	}
	for child, s := range map[string]*metav1.LabelSelector{"namespaceSelector": m.NamespaceSelector, "objectSelector": m.ObjectSelector} {
		if s == nil {
			errs = append(errs, field.Required(at.Child(child), ""))
		} else {
			errs = append(errs, metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, at.Child(child))...)
		}
	}
	if policy && len(m.ResourceRules) == 0 {
		errs = append(errs, field.Required(at.Child("resourceRules"), ""))
	}
	for i := range m.ResourceRules {
		errs = append(errs, validateNamedRule(&m.ResourceRules[i], at.Child("resourceRules").Index(i))...)
	}
	for i := range m.ExcludeResourceRules {
		errs = append(errs, validateNamedRule(&m.ExcludeResourceRules[i], at.Child("excludeResourceRules").Index(i))...)
	}
	return errs
}

func validateNamedRule(r *v1.NamedRuleWithOperations, at *field.Path) field.ErrorList {
	errs := rules.ValidateRule(&r.RuleWithOperations, true, at)
	seen := sets.New[string]()
	for i, name := range r.ResourceNames {
		errs = append(errs, check.Messages(at.Child("resourceNames").Index(i), name, path.IsValidPathSegmentName(name))...)
		if seen.Has(name) {
			errs = append(errs, field.Duplicate(at.Child("resourceNames").Index(i), name))
		}
		seen.Insert(name)
	}
	return errs
}

// ValidateParamKind checks which kind of object holds a policy's parameters.
func ValidateParamKind(k *v1.ParamKind, at *field.Path) field.ErrorList {
	if k == nil {
		return nil
	}
	var errs field.ErrorList
	if k.APIVersion == "" {
		errs = append(errs, field.Required(at.Child("apiVersion"), ""))
	} else if gv, err := schema.ParseGroupVersion(k.APIVersion); err != nil {
		errs = append(errs, field.Invalid(at.Child("apiVersion"), k.APIVersion, err.Error()))
	} else {
		if gv.Group != "" {
			errs = append(errs, prefixed(at.Child("apiVersion"), k.APIVersion, apivalidation.NameIsDNSSubdomain(gv.Group, false))...)
		}
		errs = append(errs, prefixed(at.Child("apiVersion"), k.APIVersion, apivalidation.NameIsDNS1035Label(gv.Version, false))...)
	}
	if k.Kind == "" {
		errs = append(errs, field.Required(at.Child("kind"), ""))
	} else if msgs := apivalidation.NameIsDNS1035Label(strings.ToLower(k.Kind), false); len(msgs) > 0 {
		errs = append(errs, field.Invalid(at.Child("kind"), k.Kind, "may have mixed case, but should otherwise match: "+strings.Join(msgs, ",")))
	}
	return errs
}

func prefixed(at *field.Path, value string, msgs []string) field.ErrorList {
	if len(msgs) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, value, strings.Join(msgs, ","))}
}

// Compiler compiles a policy's expressions, and remembers which were there before.
type Compiler struct {
	policy *celcheck.Policy
	decls  celcheck.Declarations
	stored sets.Set[string]
}

// NewCompiler starts without variables. old are expressions accepted before.
func NewCompiler(params bool, old []string) (*Compiler, error) {
	p, err := celcheck.NewPolicy()
	if err != nil {
		return nil, err
	}
	return &Compiler{policy: p, decls: celcheck.Declarations{HasParams: params, HasAuthorizer: true}, stored: sets.New(old...)}, nil
}

// Check compiles one expression with the declarations of the policy, changed as with says.
func (c *Compiler) Check(e celcheck.Expression, with func(*celcheck.Declarations), at *field.Path) field.ErrorList {
	decls := c.decls
	if with != nil {
		with(&decls)
	}
	return c.policy.Check(e, decls, c.stored.Has(e.Text), at)
}

// Variables checks and compiles the variables, each of which may use those before it.
func (c *Compiler) Variables(variables []v1.Variable, with func(*celcheck.Declarations), at *field.Path) field.ErrorList {
	var errs field.ErrorList
	decls := c.decls
	if with != nil {
		with(&decls)
	}
	for i, v := range variables {
		one := at.Index(i)
		if v.Name == "" || strings.TrimSpace(v.Name) == "" {
			errs = append(errs, field.Required(one.Child("name"), "name is not specified"))
		} else {
			if !isIdentifier(v.Name) {
				errs = append(errs, field.Invalid(one.Child("name"), v.Name, "name is not a valid CEL identifier"))
			}
		}
		if strings.TrimSpace(v.Expression) == "" {
			errs = append(errs, field.Required(one.Child("expression"), "expression is not specified"))
			continue
		}
		errs = append(errs, c.policy.Variable(celcheck.Expression{Name: v.Name, Text: v.Expression, Types: anything}, decls, c.stored.Has(v.Expression), one.Child("expression"))...)
	}
	return errs
}

func isIdentifier(name string) bool {
	return celIdentifier.MatchString(name) && !reservedWords.Has(name)
}

// Conditions checks the conditions, which are met before variables are read: they do not see them.
func (c *Compiler) Conditions(conditions []v1.MatchCondition, at *field.Path) field.ErrorList {
	return rules.ValidateConditions(conditions, nil, func(e celcheck.Expression, _ bool, p *field.Path) field.ErrorList {
		return celcheck.Check(e, c.decls, c.stored.Has(e.Text), p)
	}, at)
}

// ValidateParamRef checks how a binding names the objects that hold parameters.
func ValidateParamRef(r *v1.ParamRef, at *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	var errs field.ErrorList
	if r.Name != "" {
		errs = append(errs, check.Messages(at.Child("name"), r.Name, path.IsValidPathSegmentName(r.Name))...)
		if r.Selector != nil {
			errs = append(errs, field.Forbidden(at.Child("name"), "name and selector are mutually exclusive"))
		}
	}
	if r.Selector != nil {
		errs = append(errs, metavalidation.ValidateLabelSelector(r.Selector, metavalidation.LabelSelectorValidationOptions{}, at.Child("selector"))...)
		if r.Name != "" {
			errs = append(errs, field.Forbidden(at.Child("selector"), "name and selector are mutually exclusive"))
		}
	}
	if r.Name == "" && r.Selector == nil {
		errs = append(errs, field.Required(at, "one of name or selector must be specified"))
	}
	if r.ParameterNotFoundAction == nil || *r.ParameterNotFoundAction == "" {
		errs = append(errs, field.Required(at.Child("parameterNotFoundAction"), ""))
	} else {
		errs = append(errs, check.OneOf(at.Child("parameterNotFoundAction"), *r.ParameterNotFoundAction, v1.DenyAction, v1.AllowAction)...)
	}
	return errs
}

// ValidatePolicyName checks which policy a binding puts to work.
func ValidatePolicyName(name string, at *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(at, "")}
	}
	return check.Messages(at, name, apivalidation.NameIsDNSSubdomain(name, false))
}
