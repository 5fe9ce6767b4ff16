package podspec

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	mostRestartRules = 20
	mostExitCodes    = 255
)

// validateRestart checks when a single container is restarted, which may differ from the pod's policy.
func validateRestart(c *v1.Container, init bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	at := path.Child("restartPolicy")
	if c.RestartPolicy != nil {
		errs = append(errs, check.OneOf(at, *c.RestartPolicy, v1.ContainerRestartPolicyAlways, v1.ContainerRestartPolicyNever, v1.ContainerRestartPolicyOnFailure)...)
	}
	rules := path.Child("restartPolicyRules")
	if len(c.RestartPolicyRules) == 0 {
		return errs
	}
	if c.RestartPolicy == nil {
		errs = append(errs, field.Required(at, "must specify restartPolicy when restart rules are used"))
	} else if init && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
		errs = append(errs, field.Forbidden(rules, "restartPolicyRules are not allowed for init containers with restart policy Always"))
	}
	if len(c.RestartPolicyRules) > mostRestartRules {
		errs = append(errs, field.TooMany(rules, len(c.RestartPolicyRules), mostRestartRules))
	}
	for i, r := range c.RestartPolicyRules {
		errs = append(errs, validateRestartRule(r, rules.Index(i))...)
	}
	return errs
}

func validateRestartRule(r v1.ContainerRestartRule, path *field.Path) field.ErrorList {
	errs := check.OneOf(path.Child("action"), r.Action, v1.ContainerRestartRuleActionRestart, v1.ContainerRestartRuleActionRestartAllContainers)
	at := path.Child("exitCodes")
	if r.ExitCodes == nil {
		return append(errs, field.Required(at, "must be specified"))
	}
	errs = append(errs, check.OneOf(at.Child("operator"), r.ExitCodes.Operator, v1.ContainerRestartRuleOnExitCodesOpIn, v1.ContainerRestartRuleOnExitCodesOpNotIn)...)
	if n := len(r.ExitCodes.Values); n > mostExitCodes {
		errs = append(errs, field.TooMany(at.Child("values"), n, mostExitCodes))
	}
	seen := sets.New[int32]()
	for i, code := range r.ExitCodes.Values {
		if seen.Has(code) {
			errs = append(errs, field.Duplicate(at.Child("values").Index(i), code))
		}
		seen.Insert(code)
	}
	return errs
}
