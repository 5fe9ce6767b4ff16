package mutatingadmissionpolicy

import (
	"strings"

	celgo "github.com/google/cel-go/cel"
	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/celcheck"
	"tiphys.dev/apirules/admissionregistration/policyrules"
	"tiphys.dev/apirules/check"
)

// SetDefaults refuses requests that cannot be changed as the policy says.
func SetDefaults(obj *v1.MutatingAdmissionPolicy) {
	if obj.Spec.FailurePolicy == nil {
		fail := v1.Fail
		obj.Spec.FailurePolicy = &fail
	}
	policyrules.SetMatchDefaults(obj.Spec.MatchConstraints)
}

// Validate checks a new policy.
func Validate(obj *v1.MutatingAdmissionPolicy) field.ErrorList { return validate(obj, nil) }

// ValidateUpdate checks a change; expressions that stay are compiled as stored ones.
func ValidateUpdate(obj, old *v1.MutatingAdmissionPolicy) field.ErrorList {
	var stored []string
	for _, v := range old.Spec.Variables {
		stored = append(stored, v.Expression)
	}
	for _, c := range old.Spec.MatchConditions {
		stored = append(stored, strings.TrimSpace(c.Expression))
	}
	for _, m := range old.Spec.Mutations {
		if m.ApplyConfiguration != nil {
			stored = append(stored, strings.TrimSpace(m.ApplyConfiguration.Expression))
		}
		if m.JSONPatch != nil {
			stored = append(stored, strings.TrimSpace(m.JSONPatch.Expression))
		}
	}
	return validate(obj, stored)
}

func validate(obj *v1.MutatingAdmissionPolicy, stored []string) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	spec, path := &obj.Spec, field.NewPath("spec")
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	compiler, err := policyrules.NewCompiler(spec.ParamKind != nil, stored)
	if err != nil {
		return append(errs, field.InternalError(path, err))
	}
	if spec.FailurePolicy == nil {
		add(field.ErrorList{field.Required(path.Child("failurePolicy"), "")})
	} else {
		add(check.OneOf(path.Child("failurePolicy"), *spec.FailurePolicy, v1.Fail, v1.Ignore))
	}
	add(policyrules.ValidateParamKind(spec.ParamKind, path.Child("paramKind")))
	add(policyrules.ValidateMatch(spec.MatchConstraints, true, path.Child("matchConstraints")))
	// A policy that changes what it creates rules for must not be asked about deletions: there is nothing to change.
	add(policyrules.UnknownOperations(spec.MatchConstraints, path.Child("matchConstraints", "resourceRules")))
	add(compiler.Conditions(spec.MatchConditions, path.Child("matchConditions")))
	add(compiler.Variables(spec.Variables, withPatchTypes, path.Child("variables")))
	if len(spec.Mutations) == 0 {
		add(field.ErrorList{field.Required(path.Child("mutations"), "mutations must contain at least one item")})
	}
	for i := range spec.Mutations {
		add(validateMutation(compiler, &spec.Mutations[i], path.Child("mutations").Index(i)))
	}
	if spec.ReinvocationPolicy == "" {
		add(field.ErrorList{field.Required(path.Child("reinvocationPolicy"), "")})
	} else {
		add(check.OneOf(path.Child("reinvocationPolicy"), spec.ReinvocationPolicy, v1.IfNeededReinvocationPolicy, v1.NeverReinvocationPolicy))
	}
	return errs
}

func withPatchTypes(d *celcheck.Declarations) { d.HasPatchTypes = true }

// The types that a patch is made of, as expressions call them.
var (
	jsonPatchType = celgo.ObjectType("JSONPatch")
	applyType     = celgo.ObjectType("Object")
)

func validateMutation(c *policyrules.Compiler, m *v1.Mutation, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	apply, patch := path.Child("applyConfiguration"), path.Child("jsonPatch")
	if m.PatchType == "" {
		errs = append(errs, field.Required(path.Child("patchType"), ""))
	} else {
		errs = append(errs, check.OneOf(path.Child("patchType"), m.PatchType, v1.PatchTypeApplyConfiguration, v1.PatchTypeJSONPatch)...)
	}
	switch m.PatchType {
	case v1.PatchTypeJSONPatch:
		if m.ApplyConfiguration != nil {
			errs = append(errs, field.Forbidden(apply, "must be omitted when patchType is JSONPatch"))
		}
		if m.JSONPatch == nil {
			errs = append(errs, field.Required(patch, "must be specified when patchType is JSONPatch"))
		} else {
			errs = append(errs, expression(c, m.JSONPatch.Expression, celgo.ListType(jsonPatchType), patch.Child("expression"))...)
		}
	case v1.PatchTypeApplyConfiguration:
		if m.JSONPatch != nil {
			errs = append(errs, field.Invalid(patch, "{jsonPatch}", "must not be specified when patchType is ApplyConfiguration"))
		}
		if m.ApplyConfiguration == nil {
			errs = append(errs, field.Required(apply, "must be specified when patchType is ApplyConfiguration"))
		} else {
			errs = append(errs, expression(c, m.ApplyConfiguration.Expression, applyType, apply.Child("expression"))...)
		}
	}
	return errs
}

func expression(c *policyrules.Compiler, text string, t *celgo.Type, path *field.Path) field.ErrorList {
	text = strings.TrimSpace(text)
	if text == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return c.Check(celcheck.Expression{Text: text, Types: []*celgo.Type{t}}, withPatchTypes, path)
}
