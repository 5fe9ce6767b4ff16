package storageversion

import (
	"fmt"
	"slices"
	"strings"

	v1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks a new report of the versions of a resource, which is named group.resource.
func Validate(obj *v1alpha1.StorageVersion) field.ErrorList {
	return append(apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, name, field.NewPath("metadata")), validateStatus(&obj.Status)...)
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1alpha1.StorageVersion) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateStatus(&obj.Status)...)
}

// ValidateStatusUpdate checks what a server reports.
func ValidateStatusUpdate(obj, old *v1alpha1.StorageVersion) field.ErrorList {
	return ValidateUpdate(obj, old)
}

func name(name string, prefix bool) []string {
	i := strings.LastIndex(name, ".")
	if i < 0 {
		return []string{"name must be in the form of <group>.<resource>"}
	}
	group, resource := name[:i], name[i+1:]
	var out []string
	for _, message := range validation.IsDNS1123Subdomain(group) {
		out = append(out, "the group segment "+message)
	}
	for _, message := range validation.IsDNS1035Label(resource) {
		out = append(out, "the resource segment "+message)
	}
	return out
}

func validateStatus(status *v1alpha1.StorageVersionStatus) field.ErrorList {
	path := field.NewPath("status")
	var errs field.ErrorList
	seen := map[string]bool{}
	for i := range status.StorageVersions {
		s, at := &status.StorageVersions[i], path.Child("storageVersions").Index(i)
		if seen[s.APIServerID] {
			errs = append(errs, field.Duplicate(at.Child("apiServerID"), s.APIServerID))
		}
		seen[s.APIServerID] = true
		errs = append(errs, validateServer(s, at)...)
	}
	errs = append(errs, validateCommon(status, path.Child("commonEncodingVersion"))...)
	return append(errs, validateConditions(status.Conditions, path)...)
}

func validateServer(s *v1alpha1.ServerStorageVersion, path *field.Path) field.ErrorList {
	errs := check.DNSSubdomain(path.Child("apiServerID"), s.APIServerID)
	errs = append(errs, apiVersion(path.Child("encodingVersion"), s.EncodingVersion)...)
	decodable := path.Child("decodableVersions")
	for i, v := range s.DecodableVersions {
		errs = append(errs, apiVersion(decodable.Index(i), v)...)
	}
	if !slices.Contains(s.DecodableVersions, s.EncodingVersion) {
		errs = append(errs, field.Invalid(decodable, s.DecodableVersions, "decodableVersions must include encodingVersion "+s.EncodingVersion))
	}
	for i, v := range s.ServedVersions {
		at := path.Child("servedVersions").Index(i)
		errs = append(errs, apiVersion(at, v)...)
		if !slices.Contains(s.DecodableVersions, v) {
			errs = append(errs, field.Invalid(at, v, fmt.Sprintf("individual served version : %s must be included in decodableVersions : %s", v, s.DecodableVersions)))
		}
	}
	return errs
}

// apiVersion is "group/version", or a version of the core group.
func apiVersion(path *field.Path, v string) field.ErrorList {
	parts := strings.Split(v, "/")
	var says []string
	switch len(parts) {
	case 1:
	case 2:
		if parts[0] == "" {
			says = append(says, "group part: must be non-empty")
		} else if m := validation.IsDNS1123Subdomain(parts[0]); len(m) > 0 {
			says = append(says, "group part: "+strings.Join(m, ","))
		}
	default:
		return field.ErrorList{field.Invalid(path, v, "an apiVersion is "+validation.RegexError("a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123")+" with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')")}
	}
	if version := parts[len(parts)-1]; version == "" {
		says = append(says, "version part: must be non-empty")
	} else if m := validation.IsDNS1035Label(version); len(m) > 0 {
		says = append(says, "version part: "+strings.Join(m, ","))
	}
	if len(says) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, v, strings.Join(says, ","))}
}

// validateCommon wants the version that all servers write, and none where they differ.
func validateCommon(status *v1alpha1.StorageVersionStatus, path *field.Path) field.ErrorList {
	var common *string
	for i := range status.StorageVersions {
		v := &status.StorageVersions[i].EncodingVersion
		if common != nil && *common != *v {
			common = nil
			break
		}
		common = v
	}
	given := status.CommonEncodingVersion
	switch {
	case common == nil && given != nil:
		return field.ErrorList{field.Invalid(path, *given, "should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet")}
	case common != nil && given == nil:
		return field.ErrorList{field.Invalid(path, given, "the common encoding version is "+*common)}
	case common != nil && *given != *common:
		return field.ErrorList{field.Invalid(path, *given, "the actual common encoding version is "+*common)}
	}
	return nil
}

// Clients know these paths without the name of the list.
func validateConditions(list []v1alpha1.StorageVersionCondition, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	first := map[v1alpha1.StorageVersionConditionType]int{}
	for i, c := range list {
		at := path.Index(i)
		if j, ok := first[c.Type]; ok {
			errs = append(errs, field.Invalid(at.Child("type"), c.Type, fmt.Sprintf("the type of the condition is not unique, it also appears in conditions[%d]", j)))
		} else {
			first[c.Type] = i
		}
		errs = append(errs, check.QualifiedName(at.Child("type"), string(c.Type))...)
		errs = append(errs, check.QualifiedName(at.Child("status"), string(c.Status))...)
		if c.Reason == "" {
			errs = append(errs, field.Required(at.Child("reason"), ""))
		}
		if c.Message == "" {
			errs = append(errs, field.Required(at.Child("message"), ""))
		}
	}
	return errs
}
