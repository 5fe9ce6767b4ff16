package flowschema

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/flowcontrol/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	defaultPrecedence = 1000
	lowestPrecedence  = 10000
)

// SetDefaults gives a schema a place among the others.
func SetDefaults(obj *v1.FlowSchema) {
	if obj.Spec.MatchingPrecedence == 0 {
		obj.Spec.MatchingPrecedence = defaultPrecedence
	}
}

// mandatory are the schemas that every server needs, with specs that nobody may change.
var mandatory = map[string]v1.FlowSchemaSpec{
	v1.FlowSchemaNameExempt: {
		PriorityLevelConfiguration: v1.PriorityLevelConfigurationReference{Name: v1.PriorityLevelConfigurationNameExempt},
		MatchingPrecedence:         1,
		Rules: []v1.PolicyRulesWithSubjects{{
			Subjects:         []v1.Subject{{Kind: v1.SubjectKindGroup, Group: &v1.GroupSubject{Name: "system:masters"}}},
			ResourceRules:    everyResource(),
			NonResourceRules: everyPath(),
		}},
	},
	v1.FlowSchemaNameCatchAll: {
		PriorityLevelConfiguration: v1.PriorityLevelConfigurationReference{Name: v1.PriorityLevelConfigurationNameCatchAll},
		MatchingPrecedence:         lowestPrecedence,
		DistinguisherMethod:        &v1.FlowDistinguisherMethod{Type: v1.FlowDistinguisherMethodByUserType},
		Rules: []v1.PolicyRulesWithSubjects{{
			Subjects: []v1.Subject{
				{Kind: v1.SubjectKindGroup, Group: &v1.GroupSubject{Name: "system:unauthenticated"}},
				{Kind: v1.SubjectKindGroup, Group: &v1.GroupSubject{Name: "system:authenticated"}},
			},
			ResourceRules:    everyResource(),
			NonResourceRules: everyPath(),
		}},
	},
}

func everyResource() []v1.ResourcePolicyRule {
	return []v1.ResourcePolicyRule{{Verbs: []string{v1.VerbAll}, APIGroups: []string{v1.APIGroupAll}, Resources: []string{v1.ResourceAll},
		ClusterScope: true, Namespaces: []string{v1.NamespaceEvery}}}
}

func everyPath() []v1.NonResourcePolicyRule {
	return []v1.NonResourcePolicyRule{{Verbs: []string{v1.VerbAll}, NonResourceURLs: []string{v1.NonResourceAll}}}
}

// Validate checks a new schema.
func Validate(obj *v1.FlowSchema) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	spec, path := &obj.Spec, field.NewPath("spec")
	if required, ok := mandatory[obj.Name]; ok && !sameSpec(obj.Spec, required) {
		errs = append(errs, field.Invalid(path, obj.Spec, fmt.Sprintf("spec of '%s' must equal the fixed value", obj.Name)))
	}
	if spec.MatchingPrecedence <= 0 {
		errs = append(errs, field.Invalid(path.Child("matchingPrecedence"), spec.MatchingPrecedence, "must be a positive value"))
	}
	if spec.MatchingPrecedence > lowestPrecedence {
		errs = append(errs, field.Invalid(path.Child("matchingPrecedence"), spec.MatchingPrecedence, fmt.Sprintf("must not be greater than %v", lowestPrecedence)))
	}
	if spec.MatchingPrecedence == 1 && obj.Name != v1.FlowSchemaNameExempt {
		errs = append(errs, field.Invalid(path.Child("matchingPrecedence"), spec.MatchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
	}
	if d := spec.DistinguisherMethod; d != nil {
		errs = append(errs, check.OneOf(path.Child("distinguisherMethod").Child("type"), d.Type, v1.FlowDistinguisherMethodByNamespaceType, v1.FlowDistinguisherMethodByUserType)...)
	}
	level := path.Child("priorityLevelConfiguration").Child("name")
	if name := spec.PriorityLevelConfiguration.Name; name == "" {
		errs = append(errs, field.Required(level, "must reference a priority level"))
	} else {
		errs = append(errs, check.Messages(level, name, apivalidation.NameIsDNSSubdomain(name, false))...)
	}
	for i := range spec.Rules {
		errs = append(errs, validateRules(&spec.Rules[i], path.Child("rules").Index(i))...)
	}
	return errs
}

func sameSpec(a, b v1.FlowSchemaSpec) bool {
	// Which catches whom first is given by number; the order of subjects has no meaning but is kept.
	return check.Same(a, b)
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.FlowSchema) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(Validate(obj), errs...)
}

// ValidateStatusUpdate checks the conditions.
func ValidateStatusUpdate(obj, old *v1.FlowSchema) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	seen := sets.New[v1.FlowSchemaConditionType]()
	for i, c := range obj.Status.Conditions {
		at := field.NewPath("status", "conditions").Index(i)
		if seen.Has(c.Type) {
			errs = append(errs, field.Duplicate(at.Child("type"), c.Type))
		}
		seen.Insert(c.Type)
		if c.Type == "" {
			errs = append(errs, field.Required(at.Child("type"), ""))
		}
	}
	return errs
}

func validateRules(r *v1.PolicyRulesWithSubjects, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(r.Subjects) == 0 {
		errs = append(errs, field.Required(path.Child("subjects"), "subjects must contain at least one value"))
	}
	for i := range r.Subjects {
		errs = append(errs, validateSubject(&r.Subjects[i], path.Child("subjects").Index(i))...)
	}
	if len(r.ResourceRules) == 0 && len(r.NonResourceRules) == 0 {
		errs = append(errs, field.Required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
	}
	for i := range r.ResourceRules {
		errs = append(errs, validateResourceRule(&r.ResourceRules[i], path.Child("resourceRules").Index(i))...)
	}
	for i := range r.NonResourceRules {
		errs = append(errs, validatePathRule(&r.NonResourceRules[i], path.Child("nonResourceRules").Index(i))...)
	}
	return errs
}

func validateSubject(s *v1.Subject, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if wrong := check.OneOf(path.Child("kind"), s.Kind, v1.SubjectKindGroup, v1.SubjectKindServiceAccount, v1.SubjectKindUser); len(wrong) > 0 {
		return wrong
	}
	for _, k := range []struct {
		kind  v1.SubjectKind
		child string
		set   bool
		rule  func(*field.Path) field.ErrorList
	}{
		{v1.SubjectKindServiceAccount, "serviceAccount", s.ServiceAccount != nil, func(p *field.Path) field.ErrorList { return validateAccount(s.ServiceAccount, p) }},
		{v1.SubjectKindUser, "user", s.User != nil, func(p *field.Path) field.ErrorList { return required(p.Child("name"), s.User.Name) }},
		{v1.SubjectKindGroup, "group", s.Group != nil, func(p *field.Path) field.ErrorList { return required(p.Child("name"), s.Group.Name) }},
	} {
		at := path.Child(k.child)
		switch {
		case s.Kind == k.kind && !k.set:
			errs = append(errs, field.Required(at, fmt.Sprintf("%s is required when subject kind is '%s'", k.child, k.kind)))
		case s.Kind == k.kind:
			errs = append(errs, k.rule(at)...)
		case k.set:
			errs = append(errs, field.Forbidden(at, fmt.Sprintf("%s is forbidden when subject kind is not '%s'", k.child, k.kind)))
		}
	}
	return errs
}

func required(path *field.Path, value string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return nil
}

func validateAccount(a *v1.ServiceAccountSubject, path *field.Path) field.ErrorList {
	errs := required(path.Child("name"), a.Name)
	if a.Name != "" && a.Name != v1.NameAll {
		errs = append(errs, check.Messages(path.Child("name"), a.Name, apivalidation.ValidateServiceAccountName(a.Name, false))...)
	}
	if a.Namespace == "" {
		return append(errs, field.Required(path.Child("namespace"), "must specify namespace for service account"))
	}
	return append(errs, check.Messages(path.Child("namespace"), a.Namespace, apivalidation.ValidateNamespaceName(a.Namespace, false))...)
}

var verbs = sets.New("get", "list", "create", "update", "delete", "deletecollection", "patch", "watch", "proxy")

// aloneIfAll wants a list with the word for all to hold nothing else.
func aloneIfAll(list []string, all string, path *field.Path, what string) field.ErrorList {
	if len(list) > 1 && sets.New(list...).Has(all) {
		return field.ErrorList{field.Invalid(path, list, fmt.Sprintf("if '*' is present, must not specify other %s", what))}
	}
	return nil
}

func validateResourceRule(r *v1.ResourcePolicyRule, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(r.Verbs) == 0 {
		errs = append(errs, field.Required(path.Child("verbs"), "verbs must contain at least one value"))
	} else if all := aloneIfAll(r.Verbs, v1.VerbAll, path.Child("verbs"), "verbs"); len(all) > 0 {
		errs = append(errs, all...)
	} else if !sets.New(r.Verbs...).Has(v1.VerbAll) && !verbs.HasAll(r.Verbs...) {
		errs = append(errs, field.NotSupported(path.Child("verbs"), r.Verbs, sets.List(verbs)))
	}
	if len(r.APIGroups) == 0 {
		errs = append(errs, field.Required(path.Child("apiGroups"), "resource rules must supply at least one api group"))
	} else {
		errs = append(errs, aloneIfAll(r.APIGroups, v1.APIGroupAll, path.Child("apiGroups"), "api groups")...)
	}
	if len(r.Resources) == 0 {
		errs = append(errs, field.Required(path.Child("resources"), "resource rules must supply at least one resource"))
	} else {
		errs = append(errs, aloneIfAll(r.Resources, v1.ResourceAll, path.Child("resources"), "resources")...)
	}
	at := path.Child("namespaces")
	switch {
	case len(r.Namespaces) == 0 && !r.ClusterScope:
		errs = append(errs, field.Required(at, "resource rules that are not cluster scoped must supply at least one namespace"))
	case sets.New(r.Namespaces...).Has(v1.NamespaceEvery):
		if len(r.Namespaces) > 1 {
			errs = append(errs, field.Invalid(at, r.Namespaces, "if '*' is present, must not specify other namespaces"))
		}
	default:
		for i, ns := range r.Namespaces {
			for _, m := range apivalidation.ValidateNamespaceName(ns, false) {
				errs = append(errs, field.Invalid(at.Index(i), ns, fmt.Sprintf("nonspecific namespaces are not allowed: %s", m)))
			}
		}
	}
	return errs
}

var pathVerbs = sets.New("get", "head", "post", "put", "patch", "delete", "options")

func validatePathRule(r *v1.NonResourcePolicyRule, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(r.Verbs) == 0 {
		errs = append(errs, field.Required(path.Child("verbs"), "verbs must contain at least one value"))
	} else if all := aloneIfAll(r.Verbs, v1.VerbAll, path.Child("verbs"), "verbs"); len(all) > 0 {
		errs = append(errs, all...)
	} else if !sets.New(r.Verbs...).Has(v1.VerbAll) && !pathVerbs.HasAll(r.Verbs...) {
		errs = append(errs, field.NotSupported(path.Child("verbs"), r.Verbs, sets.List(pathVerbs)))
	}
	urls := path.Child("nonResourceURLs")
	if len(r.NonResourceURLs) == 0 {
		return append(errs, field.Required(urls, "nonResourceURLs must contain at least one value"))
	}
	if sets.New(r.NonResourceURLs...).Has(v1.NonResourceAll) {
		if len(r.NonResourceURLs) > 1 {
			errs = append(errs, field.Invalid(urls, r.NonResourceURLs, "if '*' is present, must not specify other non-resource URLs"))
		}
		return errs
	}
	for i, url := range r.NonResourceURLs {
		errs = append(errs, validateURL(url, urls.Index(i))...)
	}
	return errs
}

func validateURL(url string, path *field.Path) field.ErrorList {
	switch {
	case url == "":
		return field.ErrorList{field.Invalid(path, url, "must not be empty")}
	case url == "/":
		return nil
	case !strings.HasPrefix(url, "/"):
		return field.ErrorList{field.Invalid(path, url, "must start with slash")}
	case strings.Contains(url, " "):
		return field.ErrorList{field.Invalid(path, url, "must not contain white-space")}
	case strings.Contains(url, "//"):
		return field.ErrorList{field.Invalid(path, url, "must not contain double slash")}
	case strings.Contains(strings.TrimSuffix(url, "/*"), "*"):
		return field.ErrorList{field.Invalid(path, url, "wildcard can only do suffix matching")}
	}
	return nil
}
