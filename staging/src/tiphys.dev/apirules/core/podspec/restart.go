package podspec

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	mostRestartRules = 20
	mostExitCodes    = 255
)

// validateRestart checks when a single container is restarted, which may differ from the pod's policy.
func validateRestart(c *v1.Container, path *field.Path) field.ErrorList {
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
	return errs
}
