package nodeselector

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Options say where an object that exists already may keep what a new one may not have.
type Options struct {
	AllowInvalidLabelValue bool
}

// Validate checks a whole selector: it needs at least one term.
func Validate(selector *v1.NodeSelector, opts Options, path *field.Path) field.ErrorList {
	terms := path.Child("nodeSelectorTerms")
	if len(selector.NodeSelectorTerms) == 0 {
		return field.ErrorList{field.Required(terms, "must have at least one node selector term")}
	}
	var errs field.ErrorList
	for i, term := range selector.NodeSelectorTerms {
		errs = append(errs, ValidateTerm(term, opts, terms.Index(i))...)
	}
	return errs
}

// ValidateTerm checks one term; an empty one is allowed and matches nothing.
func ValidateTerm(term v1.NodeSelectorTerm, opts Options, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, r := range term.MatchExpressions {
		errs = append(errs, validateLabelRequirement(r, opts, path.Child("matchExpressions").Index(i))...)
	}
	for i, r := range term.MatchFields {
		errs = append(errs, validateFieldRequirement(r, path.Child("matchFields").Index(i))...)
	}
	return errs
}

func validateLabelRequirement(r v1.NodeSelectorRequirement, opts Options, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch r.Operator {
	case v1.NodeSelectorOpIn, v1.NodeSelectorOpNotIn:
		if len(r.Values) == 0 {
			errs = append(errs, field.Required(path.Child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
		}
	case v1.NodeSelectorOpExists, v1.NodeSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			errs = append(errs, field.Forbidden(path.Child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
		}
	case v1.NodeSelectorOpGt, v1.NodeSelectorOpLt:
		if len(r.Values) != 1 {
			errs = append(errs, field.Required(path.Child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"))
		}
	default:
		errs = append(errs, field.Invalid(path.Child("operator"), r.Operator, "not a valid selector operator"))
	}
	errs = append(errs, metavalidation.ValidateLabelName(r.Key, path.Child("key"))...)
	if !opts.AllowInvalidLabelValue {
		for i, v := range r.Values {
			errs = append(errs, check.Messages(path.Child("values").Index(i), v, validation.IsValidLabelValue(v))...)
		}
	}
	return errs
}

// The only field of a node that can be selected on is its name.
func validateFieldRequirement(r v1.NodeSelectorRequirement, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch r.Operator {
	case v1.NodeSelectorOpIn, v1.NodeSelectorOpNotIn:
		if len(r.Values) != 1 {
			errs = append(errs, field.Required(path.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
		}
	default:
		errs = append(errs, field.Invalid(path.Child("operator"), r.Operator, "not a valid selector operator"))
	}
	if r.Key != "metadata.name" {
		return append(errs, field.Invalid(path.Child("key"), r.Key, "not a valid field selector key"))
	}
	for i, v := range r.Values {
		errs = append(errs, check.Messages(path.Child("values").Index(i), v, apivalidation.NameIsDNSSubdomain(v, false))...)
	}
	return errs
}
