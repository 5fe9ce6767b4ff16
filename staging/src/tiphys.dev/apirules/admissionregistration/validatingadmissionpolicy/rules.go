package validatingadmissionpolicy

import (
	"fmt"
	"regexp"
	"strings"

	celgo "github.com/google/cel-go/cel"
	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/util/jsonpath"

	"tiphys.dev/apirules/admissionregistration/celcheck"
	"tiphys.dev/apirules/admissionregistration/policyrules"
	"tiphys.dev/apirules/check"
)

const (
	mostAnnotations    = 20
	longestAnnotations = 5 * 1024
)

// SetDefaults refuses requests that cannot be judged.
func SetDefaults(obj *v1.ValidatingAdmissionPolicy) {
	if obj.Spec.FailurePolicy == nil {
		fail := v1.Fail
		obj.Spec.FailurePolicy = &fail
	}
	policyrules.SetMatchDefaults(obj.Spec.MatchConstraints)
}

// Validate checks a new policy.
func Validate(obj *v1.ValidatingAdmissionPolicy) field.ErrorList { return validate(obj, nil) }

// ValidateUpdate checks a change; expressions that stay are compiled as stored ones.
func ValidateUpdate(obj, old *v1.ValidatingAdmissionPolicy) field.ErrorList {
	return validate(obj, expressions(old))
}

// ValidateStatusUpdate checks the conditions, and what the check of types found.
func ValidateStatusUpdate(obj, _ *v1.ValidatingAdmissionPolicy) field.ErrorList {
	errs := metavalidation.ValidateConditions(obj.Status.Conditions, field.NewPath("status", "conditions"))
	if obj.Status.TypeChecking == nil {
		return errs
	}
	for i, w := range obj.Status.TypeChecking.ExpressionWarnings {
		at := field.NewPath("status", "typeChecking", "expressionWarnings").Index(i)
		if w.FieldRef == "" {
			errs = append(errs, field.Required(at.Child("fieldRef"), ""))
		} else if err := jsonpath.New("fieldRef").Parse("{" + w.FieldRef + "}"); err != nil {
			errs = append(errs, field.Invalid(at.Child("fieldRef"), w.FieldRef, fmt.Sprintf("invalid JSONPath: %v", err)))
		}
		if w.Warning == "" {
			errs = append(errs, field.Required(at.Child("warning"), ""))
		}
	}
	return errs
}

func expressions(p *v1.ValidatingAdmissionPolicy) []string {
	var all []string
	for _, v := range p.Spec.Variables {
		all = append(all, v.Expression)
	}
	for _, v := range p.Spec.Validations {
		all = append(all, strings.TrimSpace(v.Expression), v.Expression, v.MessageExpression)
	}
	for _, c := range p.Spec.MatchConditions {
		all = append(all, strings.TrimSpace(c.Expression), c.Expression)
	}
	for _, a := range p.Spec.AuditAnnotations {
		all = append(all, strings.TrimSpace(a.ValueExpression), a.ValueExpression)
	}
	return all
}

func validate(obj *v1.ValidatingAdmissionPolicy, stored []string) field.ErrorList {
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
	add(compiler.Conditions(spec.MatchConditions, path.Child("matchConditions")))
	add(compiler.Variables(spec.Variables, nil, path.Child("variables")))
	if len(spec.Validations) == 0 && len(spec.AuditAnnotations) == 0 {
		add(field.ErrorList{field.Required(path.Child("validations"), "validations or auditAnnotations must contain at least one item"),
			field.Required(path.Child("auditAnnotations"), "validations or auditAnnotations must contain at least one item")})
		return errs
	}
	for i := range spec.Validations {
		add(validateValidation(compiler, &spec.Validations[i], path.Child("validations").Index(i)))
	}
	add(validateAnnotations(compiler, obj, path.Child("auditAnnotations")))
	return errs
}

// reasons are those that a policy may give; Unauthorized, of which the API's text also speaks, is none of them.
var reasons = []metav1.StatusReason{metav1.StatusReasonForbidden, metav1.StatusReasonInvalid, metav1.StatusReasonRequestEntityTooLarge}

var lineBreak = regexp.MustCompile(`[\n\r]+`)

func validateValidation(c *policyrules.Compiler, v *v1.Validation, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	text, message, messageText := strings.TrimSpace(v.Expression), strings.TrimSpace(v.Message), strings.TrimSpace(v.MessageExpression)
	if text == "" {
		errs = append(errs, field.Required(path.Child("expression"), "expression is not specified"))
	} else {
		errs = append(errs, c.Check(celcheck.Expression{Text: text, Types: celcheck.Bool}, nil, path.Child("expression"))...)
	}
	if messageText != "" {
		errs = append(errs, c.Check(celcheck.Expression{Text: messageText, Types: []*celgo.Type{celgo.StringType}},
			func(d *celcheck.Declarations) { d.HasAuthorizer = false }, path.Child("messageExpression"))...)
	}
	switch {
	case v.Message != "" && message == "":
		errs = append(errs, field.Invalid(path.Child("message"), v.Message, "message must be non-empty if specified"))
	case lineBreak.MatchString(message):
		errs = append(errs, field.Invalid(path.Child("message"), v.Message, "message must not contain line breaks"))
	case lineBreak.MatchString(text) && message == "":
		errs = append(errs, field.Required(path.Child("message"), "message must be specified if expression contains line breaks"))
	}
	if v.Reason != nil {
		supported := false
		for _, r := range reasons {
			supported = supported || r == *v.Reason
		}
		if !supported {
			errs = append(errs, field.NotSupported(path.Child("reason"), *v.Reason, reasons))
		}
	}
	return errs
}

func validateAnnotations(c *policyrules.Compiler, obj *v1.ValidatingAdmissionPolicy, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(obj.Spec.AuditAnnotations); n > mostAnnotations {
		errs = append(errs, field.Invalid(path, n, fmt.Sprintf("must not have more than %d auditAnnotations", mostAnnotations)))
	}
	seen := sets.New[string]()
	for i, a := range obj.Spec.AuditAnnotations {
		at := path.Index(i)
		if obj.Name != "" {
			for _, e := range check.QualifiedName(at.Child("key"), obj.Name+"/"+a.Key) {
				e.BadValue = a.Key
				errs = append(errs, e)
			}
		} else {
			errs = append(errs, field.Invalid(at.Child("key"), a.Key, "requires metadata.name be non-empty"))
		}
		if text := strings.TrimSpace(a.ValueExpression); text == "" {
			errs = append(errs, field.Required(at.Child("valueExpression"), "valueExpression is not specified"))
		} else if len(a.ValueExpression) > longestAnnotations {
			errs = append(errs, field.TooLong(at.Child("valueExpression"), a.ValueExpression, longestAnnotations))
		} else {
			errs = append(errs, c.Check(celcheck.Expression{Text: text, Types: []*celgo.Type{celgo.StringType, celgo.NullType}}, nil, at.Child("valueExpression"))...)
		}
		if seen.Has(a.Key) {
			errs = append(errs, field.Duplicate(at.Child("key"), a.Key))
		}
		seen.Insert(a.Key)
	}
	return errs
}
