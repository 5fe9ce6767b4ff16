package podspec

import (
	v1 "k8s.io/api/core/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// ValidateTolerations checks which taints are borne.
func ValidateTolerations(tolerations []v1.Toleration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, t := range tolerations {
		at := path.Index(i)
		if t.Key != "" {
			errs = append(errs, metavalidation.ValidateLabelName(t.Key, at.Child("key"))...)
		}
		if t.Key == "" && t.Operator != v1.TolerationOpExists {
			errs = append(errs, field.Invalid(at.Child("operator"), t.Operator,
				"operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
		}
		if t.TolerationSeconds != nil && t.Effect != v1.TaintEffectNoExecute {
			errs = append(errs, field.Invalid(at.Child("effect"), t.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
		}
		switch t.Operator {
		case v1.TolerationOpEqual, "":
			if m := validation.IsValidLabelValue(t.Value); len(m) != 0 {
				errs = append(errs, field.Invalid(at.Child("operator"), t.Value, joined(m)))
			}
		case v1.TolerationOpExists:
			if t.Value != "" {
				errs = append(errs, field.Invalid(at.Child("operator"), t, "value must be empty when `operator` is 'Exists'"))
			}
		default:
			errs = append(errs, check.OneOf(at.Child("operator"), t.Operator, v1.TolerationOpEqual, v1.TolerationOpExists)...)
		}
		if t.Effect != "" {
			errs = append(errs, ValidateTaintEffect(t.Effect, true, at.Child("effect"))...)
		}
	}
	return errs
}

func joined(messages []string) string {
	out := ""
	for i, m := range messages {
		if i > 0 {
			out += ";"
		}
		out += m
	}
	return out
}

// ValidateTaintEffect checks what a taint does to pods; a toleration may leave it open, a taint may not.
func ValidateTaintEffect(effect v1.TaintEffect, mayBeEmpty bool, path *field.Path) field.ErrorList {
	if mayBeEmpty && effect == "" {
		return nil
	}
	if effect == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	if errs := check.OneOf(path, effect, v1.TaintEffectNoSchedule, v1.TaintEffectPreferNoSchedule, v1.TaintEffectNoExecute); len(errs) > 0 {
		return field.ErrorList{field.NotSupported(path, effect, []v1.TaintEffect{v1.TaintEffectNoSchedule, v1.TaintEffectPreferNoSchedule, v1.TaintEffectNoExecute})}
	}
	return nil
}
