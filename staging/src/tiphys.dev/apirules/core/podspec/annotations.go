package podspec

import (
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const appArmorPrefix = v1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix

// ValidateAnnotations checks annotations that have a meaning for pods.
func ValidateAnnotations(annotations map[string]string, spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if value, ok := annotations[v1.MirrorPodAnnotationKey]; ok && spec.NodeName == "" {
		errs = append(errs, field.Invalid(path.Key(v1.MirrorPodAnnotationKey), value, "must set spec.nodeName if mirror pod annotation is set"))
	}
	if value, ok := annotations[v1.PodDeletionCost]; ok && !plainInt32(value) {
		errs = append(errs, field.Invalid(path.Key(v1.PodDeletionCost), value, "must be a 32bit integer"))
	}
	errs = append(errs, validateSeccompAnnotations(annotations, path)...)
	return append(errs, validateAppArmorAnnotations(annotations, spec, path)...)
}

// plainInt32 wants the shortest way to write a number: no plus sign, no zeros in front.
func plainInt32(s string) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && strconv.FormatInt(n, 10) == s
}

func validateSeccompAnnotations(annotations map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, key := range sets.List(sets.KeySet(annotations)) {
		if key == v1.SeccompPodAnnotationKey || strings.HasPrefix(key, v1.SeccompContainerAnnotationKeyPrefix) {
			errs = append(errs, validateSeccompText(path.Child(key), annotations[key])...)
		}
	}
	return errs
}

func validateSeccompText(path *field.Path, profile string) field.ErrorList {
	switch {
	case profile == v1.SeccompProfileRuntimeDefault, profile == v1.DeprecatedSeccompProfileDockerDefault, profile == v1.SeccompProfileNameUnconfined:
		return nil
	case strings.HasPrefix(profile, v1.SeccompLocalhostProfileNamePrefix):
		return check.RelativePath(path, strings.TrimPrefix(profile, v1.SeccompLocalhostProfileNamePrefix))
	}
	return field.ErrorList{field.Invalid(path, profile, "must be a valid seccomp profile")}
}

func validateAppArmorAnnotations(annotations map[string]string, spec *v1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for _, c := range allContainers(spec) {
		names.Insert(c.Name)
	}
	for _, key := range sets.List(sets.KeySet(annotations)) {
		name, ok := strings.CutPrefix(key, appArmorPrefix)
		if !ok {
			continue
		}
		if !names.Has(name) {
			errs = append(errs, field.Invalid(path.Key(key), name, "container not found"))
		}
		value := annotations[key]
		if value != "" && value != v1.DeprecatedAppArmorBetaProfileRuntimeDefault && value != v1.DeprecatedAppArmorBetaProfileNameUnconfined &&
			!strings.HasPrefix(value, v1.DeprecatedAppArmorBetaProfileNamePrefix) {
			errs = append(errs, field.Invalid(path.Key(key), value, "invalid AppArmor profile name: \""+value+"\""))
		}
	}
	return errs
}
