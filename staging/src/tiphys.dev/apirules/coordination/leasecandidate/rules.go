package leasecandidate

import (
	"regexp"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1beta1 "k8s.io/api/coordination/v1beta1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"

	"tiphys.dev/apirules/check"
)

// semantic is the form of versions, semver.org's, without a leading "v".
var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)

// none is the version of those that have none, or none that can be read.
var none = version.MustParseSemantic("0.0.0")

// Validate checks a new candidate, whose name may be that of a server.
func Validate(obj *v1beta1.LeaseCandidate) field.ErrorList {
	name := func(name string, _ bool) []string { return validation.IsConfigMapKey(name) }
	return append(apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, name, field.NewPath("metadata")), validateSpec(&obj.Spec)...)
}

// ValidateUpdate checks a change: a candidate is one for the same lease always.
func ValidateUpdate(obj, old *v1beta1.LeaseCandidate) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.LeaseName, old.Spec.LeaseName, field.NewPath("spec", "leaseName"))...)
}

func validateSpec(spec *v1beta1.LeaseCandidateSpec) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if spec.LeaseName == "" {
		errs = append(errs, field.Required(path.Child("leaseName"), ""))
	}
	emulated := none
	if spec.EmulationVersion != "" {
		emulated = parse(spec.EmulationVersion, path.Child("emulationVersion"), &errs)
	}
	if spec.BinaryVersion == "" {
		errs = append(errs, field.Required(path.Child("binaryVersion"), ""))
	} else if parse(spec.BinaryVersion, path.Child("binaryVersion"), &errs).LessThan(emulated) {
		errs = append(errs, field.Invalid(path.Child("binaryVersion"), spec.BinaryVersion, "must be greater than or equal to `emulationVersion`"))
	}
	if spec.Strategy == "" {
		return append(errs, field.Required(path.Child("strategy"), ""))
	}
	if spec.Strategy == coordinationv1.OldestEmulationVersion && emulated.EqualTo(none) {
		errs = append(errs, field.Required(path.Child("emulationVersion"), "must be specified when `strategy` is 'OldestEmulationVersion'"))
	}
	return append(errs, validateStrategy(spec.Strategy, path.Child("strategy", "strategy"))...)
}

// A strategy of others has a domain in front; one without must be known. Clients know the path with the field named twice.
func validateStrategy(s coordinationv1.CoordinatedLeaseStrategy, path *field.Path) field.ErrorList {
	switch {
	case s == coordinationv1.OldestEmulationVersion:
		return nil
	case strings.Contains(string(s), "/"):
		return check.QualifiedName(path, string(s))
	}
	return field.ErrorList{field.NotSupported(path, s, []coordinationv1.CoordinatedLeaseStrategy{coordinationv1.OldestEmulationVersion})}
}

func parse(text string, path *field.Path, errs *field.ErrorList) *version.Version {
	v, err := version.ParseSemantic(text)
	if err != nil || !semantic.MatchString(text) {
		*errs = append(*errs, field.Invalid(path, text, "must be a valid semantic version"))
		return none
	}
	return v
}
