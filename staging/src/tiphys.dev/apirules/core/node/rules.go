package node

import (
	"fmt"
	"regexp"
	"slices"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
	"tiphys.dev/apirules/core/resources"
)

// SetDefaults offers as much as there is, where nothing less is said, and keeps the single pod range equal to the first
// of the list.
func SetDefaults(obj *v1.Node) {
	resources.SetDefaults(obj.Status.Capacity)
	resources.SetDefaults(obj.Status.Allocatable)
	if obj.Status.Allocatable == nil && obj.Status.Capacity != nil {
		obj.Status.Allocatable = make(v1.ResourceList, len(obj.Status.Capacity))
		for name, amount := range obj.Status.Capacity {
			obj.Status.Allocatable[name] = amount.DeepCopy()
		}
	}
	switch s := &obj.Spec; {
	case s.PodCIDR != "" && (len(s.PodCIDRs) == 0 || s.PodCIDRs[0] != s.PodCIDR):
		s.PodCIDRs = []string{s.PodCIDR}
	case s.PodCIDR == "" && len(s.PodCIDRs) > 0:
		s.PodCIDR = s.PodCIDRs[0]
	}
}

// Validate checks a new node.
func Validate(obj *v1.Node) field.ErrorList {
	return append(validate(obj, nil), validateDeclaredFeatures(obj.Status.DeclaredFeatures)...)
}

func validate(obj, old *v1.Node) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateTaints(obj.Spec.Taints, field.NewPath("metadata", "taints"))...)
	errs = append(errs, validateAmounts(obj)...)
	return append(errs, validatePodCIDRs(obj, old)...)
}

func validateTaints(taints []v1.Taint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	type key struct {
		effect v1.TaintEffect
		name   string
	}
	seen := sets.New[key]()
	for i, t := range taints {
		at := path.Index(i)
		errs = append(errs, metavalidation.ValidateLabelName(t.Key, at.Child("key"))...)
		errs = append(errs, check.Messages(at.Child("value"), t.Value, validation.IsValidLabelValue(t.Value))...)
		errs = append(errs, podspec.ValidateTaintEffect(t.Effect, false, at.Child("effect"))...)
		if k := (key{t.Effect, t.Key}); seen.Has(k) {
			e := field.Duplicate(at, t)
			e.Detail = "taints must be unique by key and effect pair"
			errs = append(errs, e)
		} else {
			seen.Insert(k)
		}
	}
	return errs
}

func validateAmounts(obj *v1.Node) field.ErrorList {
	var errs field.ErrorList
	for child, list := range map[string]v1.ResourceList{"capacity": obj.Status.Capacity, "allocatable": obj.Status.Allocatable} {
		for _, name := range sets.List(sets.KeySet(list)) {
			errs = append(errs, resources.ValidateAmount(name, list[name], field.NewPath("status", child, string(name)))...)
		}
	}
	return errs
}

func validatePodCIDRs(obj, old *v1.Node) field.ErrorList {
	if len(obj.Spec.PodCIDRs) == 0 {
		return nil
	}
	var errs field.ErrorList
	var known []string
	if old != nil {
		known = old.Spec.PodCIDRs
	}
	path := field.NewPath("spec", "podCIDRs")
	for i, cidr := range obj.Spec.PodCIDRs {
		errs = append(errs, validation.IsValidCIDRForLegacyField(path.Index(i), cidr, true, known)...)
	}
	if n := len(obj.Spec.PodCIDRs); n > 1 {
		dual, err := netutils.IsDualStackCIDRStrings(obj.Spec.PodCIDRs)
		if err != nil {
			errs = append(errs, field.InternalError(path, fmt.Errorf("invalid PodCIDRs. failed to check with dual stack with error:%v", err)))
		}
		if !dual || n > 2 {
			errs = append(errs, field.Invalid(path, obj.Spec.PodCIDRs, "may specify no more than one CIDR for each IP family"))
		}
	}
	return errs
}

// ValidateUpdate checks a change of the spec: ranges and provider's name are set once; only taints, cordon and metadata
// change freely.
func ValidateUpdate(obj, old *v1.Node) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validate(obj, old)...)
	errs = append(errs, validateAddresses(obj)...)
	if len(old.Spec.PodCIDRs) > 0 && !slices.Equal(obj.Spec.PodCIDRs, old.Spec.PodCIDRs) {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "podCIDRs"), "node updates may not change podCIDR except from \"\" to valid"))
	}
	if old.Spec.ProviderID != "" && obj.Spec.ProviderID != old.Spec.ProviderID {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "providerID"), "node updates may not change providerID except from \"\" to valid"))
	}
	rest := old.Spec.DeepCopy()
	rest.PodCIDR, rest.PodCIDRs, rest.ProviderID = obj.Spec.PodCIDR, obj.Spec.PodCIDRs, obj.Spec.ProviderID
	rest.Taints, rest.Unschedulable, rest.ConfigSource = obj.Spec.Taints, obj.Spec.Unschedulable, obj.Spec.ConfigSource
	if obj.Spec.DoNotUseExternalID != old.Spec.DoNotUseExternalID {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "externalID"), "may not be updated"))
		rest.DoNotUseExternalID = obj.Spec.DoNotUseExternalID
	}
	if !check.Same(*rest, obj.Spec) {
		errs = append(errs, field.Forbidden(field.NewPath(""), "node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)"))
	}
	return errs
}

func validateAddresses(obj *v1.Node) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[v1.NodeAddress]()
	for i, a := range obj.Status.Addresses {
		if seen.Has(a) {
			errs = append(errs, field.Duplicate(field.NewPath("status", "addresses").Index(i), a))
		}
		seen.Insert(a)
	}
	return errs
}

// ValidateStatusUpdate checks what the kubelet reports of its node.
func ValidateStatusUpdate(obj, old *v1.Node) field.ErrorList {
	errs := ValidateUpdate(obj, old)
	return append(errs, validateDeclaredFeatures(obj.Status.DeclaredFeatures)...)
}

func validateDeclaredFeatures(list []string) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("status", "declaredFeatures")
	seen := sets.New[string]()
	for i, name := range list {
		switch {
		case !declaredFeature.MatchString(name):
			errs = append(errs, field.Invalid(path.Index(i), name, fmt.Sprintf("invalid feature name %q: must start with an UpperCamelCase segment, "+
				"with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes", name)))
		case i > 0 && name < list[i-1]:
			errs = append(errs, field.Invalid(path.Index(i), name, "list must be sorted alphabetically"))
		}
		if seen.Has(name) {
			errs = append(errs, field.Duplicate(path.Index(i), name))
		}
		seen.Insert(name)
	}
	return errs
}

// declaredFeature is how a node names a feature it has.
var declaredFeature = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(/[A-Za-z0-9]+)*$`)

// Warnings tells of labels and fields that are on their way out.
func Warnings(obj *v1.Node) []string {
	var warnings []string
	if obj.Spec.ConfigSource != nil {
		warnings = append(warnings, "spec.configSource: the feature is no longer available")
	}
	if obj.Spec.DoNotUseExternalID != "" {
		warnings = append(warnings, "spec.externalID: this field is deprecated, and is unused by Kubernetes")
	}
	for i, cidr := range obj.Spec.PodCIDRs {
		if _, _, err := netutils.ParseCIDRSloppy(cidr); err == nil {
			warnings = append(warnings, validation.GetWarningsForCIDR(field.NewPath("spec", "podCIDRs").Index(i), cidr)...)
		}
	}
	return warnings
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.Node) []string { return Warnings(obj) }

// DropDisabled removes the configuration that kubelets took from the API once, unless the node has it already; old is nil for
// a new one.
func DropDisabled(obj, old *v1.Node) {
	if old == nil || old.Spec.ConfigSource == nil {
		obj.Spec.ConfigSource = nil
	}
	if old == nil || old.Status.Config == nil {
		obj.Status.Config = nil
	}
}
