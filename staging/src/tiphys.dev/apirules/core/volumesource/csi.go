package volumesource

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const longestDriverName = 63

// DriverName checks the name of a CSI driver: a DNS name of at most 63 characters, letters of either case.
func DriverName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	if len(name) > longestDriverName {
		errs = append(errs, field.TooLong(path, name, longestDriverName))
	}
	return append(errs, check.Messages(path, name, validation.IsDNS1123Subdomain(strings.ToLower(name)))...)
}

// CSI checks a volume that a driver makes for one pod.
func CSI(s *v1.CSIVolumeSource, path *field.Path) field.ErrorList {
	errs := DriverName(s.Driver, path.Child("driver"))
	if s.NodePublishSecretRef == nil {
		return errs
	}
	if s.NodePublishSecretRef.Name == "" {
		return append(errs, field.Required(path.Child("nodePublishSecretRef", "name"), ""))
	}
	for _, m := range apivalidation.NameIsDNSSubdomain(s.NodePublishSecretRef.Name, false) {
		errs = append(errs, field.Invalid(path.Child("name"), s.NodePublishSecretRef.Name, m))
	}
	return errs
}
