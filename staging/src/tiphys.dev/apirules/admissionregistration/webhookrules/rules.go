package webhookrules

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/webhook"

	"tiphys.dev/apirules/admissionregistration/celcheck"
	"tiphys.dev/apirules/admissionregistration/rules"
	"tiphys.dev/apirules/check"
)

const (
	defaultTimeout = 10
	longestTimeout = 30
	defaultPort    = 443
)

// accepted are versions of AdmissionReview that this API server can send.
var accepted = sets.New("v1", "v1beta1")

// View is a webhook of either kind.
type View struct {
	Name              string
	ClientConfig      *v1.WebhookClientConfig
	Rules             []v1.RuleWithOperations
	FailurePolicy     **v1.FailurePolicyType
	MatchPolicy       **v1.MatchPolicyType
	NamespaceSelector **metav1.LabelSelector
	ObjectSelector    **metav1.LabelSelector
	SideEffects       *v1.SideEffectClass
	TimeoutSeconds    **int32
	ReviewVersions    []string
	MatchConditions   []v1.MatchCondition
	Reinvocation      *v1.ReinvocationPolicyType
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// SetDefaults refuses requests when the webhook fails, and waits ten seconds for it.
func SetDefaults(w View) {
	setDefault(w.FailurePolicy, v1.Fail)
	setDefault(w.MatchPolicy, v1.Equivalent)
	setDefault(w.NamespaceSelector, metav1.LabelSelector{})
	setDefault(w.ObjectSelector, metav1.LabelSelector{})
	setDefault(w.TimeoutSeconds, defaultTimeout)
	if w.ClientConfig.Service != nil {
		setDefault(&w.ClientConfig.Service.Port, defaultPort)
	}
	for i := range w.Rules {
		rules.SetDefaults(&w.Rules[i].Rule)
	}
}

// Options say what an existing configuration may keep.
type Options struct {
	AnyReviewVersions, AnySideEffects, DuplicateNames, InvalidSelectors bool
	Stored                                                              []v1.MatchCondition
}

// Validate checks a list of webhooks.
func Validate(webhooks []View, opts Options) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	path := field.NewPath("webhooks")
	for i, w := range webhooks {
		at := path.Index(i)
		errs = append(errs, validateOne(w, opts, at)...)
		if !opts.AnyReviewVersions {
			errs = append(errs, validateVersions(w.ReviewVersions, at.Child("admissionReviewVersions"))...)
		}
		if names.Has(w.Name) && !opts.DuplicateNames {
			errs = append(errs, field.Duplicate(at.Child("name"), w.Name))
		}
		names.Insert(w.Name)
	}
	return errs
}

// OptionsFor derives from the old webhooks what may stay.
func OptionsFor(old []View) Options {
	opts := Options{}
	names := sets.New[string]()
	for _, w := range old {
		if len(validateVersions(w.ReviewVersions, field.NewPath(""))) > 0 {
			opts.AnyReviewVersions = true
		}
		if w.SideEffects == nil || *w.SideEffects != v1.SideEffectClassNone && *w.SideEffects != v1.SideEffectClassNoneOnDryRun {
			opts.AnySideEffects = true
		}
		if names.Has(w.Name) {
			opts.DuplicateNames = true
		}
		names.Insert(w.Name)
		for _, s := range []*metav1.LabelSelector{*w.NamespaceSelector, *w.ObjectSelector} {
			if s != nil && metavalidation.LabelSelectorHasInvalidLabelValue(s) {
				opts.InvalidSelectors = true
			}
		}
		opts.Stored = append(opts.Stored, w.MatchConditions...)
	}
	return opts
}

func validateVersions(versions []string, path *field.Path) field.ErrorList {
	if len(versions) == 0 {
		return field.ErrorList{field.Required(path, fmt.Sprintf("must specify one of %v", strings.Join(sets.List(accepted), ", ")))}
	}
	var errs field.ErrorList
	seen := sets.New[string]()
	known := false
	for i, v := range versions {
		if seen.Has(v) {
			errs = append(errs, field.Invalid(path.Index(i), v, "duplicate version"))
			continue
		}
		seen.Insert(v)
		errs = append(errs, check.Messages(path.Index(i), v, validation.IsDNS1035Label(v))...)
		known = known || accepted.Has(v)
	}
	if !known {
		errs = append(errs, field.Invalid(path, versions, fmt.Sprintf("must include at least one of %v", strings.Join(sets.List(accepted), ", "))))
	}
	return errs
}

func validateOne(w View, opts Options, path *field.Path) field.ErrorList {
	errs := validation.IsFullyQualifiedName(path.Child("name"), w.Name)
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	for i := range w.Rules {
		add(rules.ValidateRule(&w.Rules[i], true, path.Child("rules").Index(i)))
	}
	if *w.FailurePolicy != nil {
		add(check.OneOf(path.Child("failurePolicy"), **w.FailurePolicy, v1.Fail, v1.Ignore))
	}
	if *w.MatchPolicy != nil {
		add(check.OneOf(path.Child("matchPolicy"), **w.MatchPolicy, v1.Equivalent, v1.Exact))
	}
	effects := []v1.SideEffectClass{v1.SideEffectClassNone, v1.SideEffectClassNoneOnDryRun}
	if opts.AnySideEffects {
		effects = append(effects, v1.SideEffectClassSome, v1.SideEffectClassUnknown)
	}
	if w.SideEffects == nil {
		add(field.ErrorList{field.Required(path.Child("sideEffects"), fmt.Sprintf("must specify one of %v", joinClasses(effects)))})
	} else {
		add(check.OneOf(path.Child("sideEffects"), *w.SideEffects, effects...))
	}
	if t := *w.TimeoutSeconds; t != nil && (*t > longestTimeout || *t < 1) {
		add(field.ErrorList{field.Invalid(path.Child("timeoutSeconds"), *t, "the timeout value must be between 1 and 30 seconds")})
	}
	selectors := metavalidation.LabelSelectorValidationOptions{AllowInvalidLabelValueInSelector: opts.InvalidSelectors}
	if s := *w.NamespaceSelector; s != nil {
		add(metavalidation.ValidateLabelSelector(s, selectors, path.Child("namespaceSelector")))
	}
	if s := *w.ObjectSelector; s != nil {
		add(metavalidation.ValidateLabelSelector(s, selectors, path.Child("objectSelector")))
	}
	if w.Reinvocation != nil {
		add(check.OneOf(path.Child("reinvocationPolicy"), *w.Reinvocation, v1.IfNeededReinvocationPolicy, v1.NeverReinvocationPolicy))
	}
	add(validateClient(w.ClientConfig, path.Child("clientConfig")))
	add(rules.ValidateConditions(w.MatchConditions, opts.Stored, func(e celcheck.Expression, stored bool, p *field.Path) field.ErrorList {
		return celcheck.Check(e, celcheck.Declarations{HasAuthorizer: true}, stored, p)
	}, path.Child("matchConditions")))
	return errs
}

func joinClasses(classes []v1.SideEffectClass) string {
	words := make([]string, 0, len(classes))
	for _, c := range classes {
		words = append(words, string(c))
	}
	return strings.Join(words, ", ")
}

func validateClient(c *v1.WebhookClientConfig, path *field.Path) field.ErrorList {
	switch {
	case (c.URL == nil) == (c.Service == nil):
		return field.ErrorList{field.Required(path, "exactly one of url or service is required")}
	case c.URL != nil:
		return webhook.ValidateWebhookURL(path.Child("url"), *c.URL, true)
	}
	port := int32(0)
	if c.Service.Port != nil {
		port = *c.Service.Port
	}
	// Upstream hands name and namespace over in this order, so a missing one is reported as the other; clients see the same here.
	return webhook.ValidateWebhookService(path.Child("service"), c.Service.Name, c.Service.Namespace, c.Service.Path, port)
}
