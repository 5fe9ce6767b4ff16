package devices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// DriverName checks the name of a driver.
func DriverName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	if len(name) > v1.DriverNameMaxLength {
		errs = append(errs, field.TooLong(path, name, v1.DriverNameMaxLength))
	}
	return append(errs, check.Messages(path, name, validation.IsDNS1123Subdomain(strings.ToLower(name)))...)
}

// PoolName checks the name of a pool: DNS names with slashes between.
func PoolName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	if len(name) > v1.PoolNameMaxLength {
		errs = append(errs, field.TooLong(path, name, v1.PoolNameMaxLength))
	}
	for part := range strings.SplitSeq(name, "/") {
		errs = append(errs, check.Messages(path, part, validation.IsDNS1123Subdomain(part))...)
	}
	return errs
}

// QualifiedName checks the name of an attribute or capacity: an identifier, with the domain that defines it or without.
func QualifiedName(name v1.QualifiedName, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "name required")}
	}
	return qualified(string(name), path)
}

// FullyQualifiedName checks a name that must say who defines it.
func FullyQualifiedName(name v1.FullyQualifiedName, path *field.Path) field.ErrorList {
	errs := qualified(string(name), path)
	if !strings.Contains(string(name), "/") {
		errs = append(errs, field.Invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash"))
	}
	return errs
}

func qualified(name string, path *field.Path) field.ErrorList {
	parts := strings.Split(name, "/")
	switch len(parts) {
	case 1:
		return identifier(name, path)
	case 2:
	default:
		return nil // the server has no rule for more than one slash; such a name matches no device
	}
	var errs field.ErrorList
	domain, id := parts[0], parts[1]
	if domain == "" {
		errs = append(errs, field.Invalid(path, domain, "the domain must not be empty"))
	} else {
		if len(domain) > v1.DeviceMaxDomainLength {
			errs = append(errs, field.TooLong(path, domain, v1.DeviceMaxDomainLength))
		}
		errs = append(errs, check.Messages(path, domain, validation.IsDNS1123Subdomain(domain))...)
	}
	if id == "" {
		return append(errs, field.Invalid(path, id, "the name must not be empty"))
	}
	return append(errs, identifier(id, path)...)
}

func identifier(id string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(id) > v1.DeviceMaxIDLength {
		errs = append(errs, field.TooLong(path, id, v1.DeviceMaxIDLength))
	}
	return append(errs, check.Messages(path, id, validation.IsCIdentifier(id))...)
}

// DeviceName checks the name of a device within its pool.
func DeviceName(name string, path *field.Path) field.ErrorList {
	return check.DNSLabel(path, name)
}

// Configuration checks parameters for a driver, which alone understands them.
func Configuration(c *v1.DeviceConfiguration, stored bool, path *field.Path) field.ErrorList {
	if c.Opaque == nil {
		return field.ErrorList{field.Required(path.Child("opaque"), "")}
	}
	at := path.Child("opaque")
	errs := DriverName(c.Opaque.Driver, at.Child("driver"))
	return append(errs, RawExtension(c.Opaque.Parameters, stored, v1.OpaqueParametersMaxLength, at.Child("parameters"))...)
}

// RawExtension checks embedded JSON: an object, not too long.
func RawExtension(raw runtime.RawExtension, stored bool, longest int, path *field.Path) field.ErrorList {
	if len(raw.Raw) == 0 {
		return field.ErrorList{field.Required(path, "")}
	}
	if len(raw.Raw) > longest && !stored {
		return field.ErrorList{field.TooLong(path, "", longest)}
	}
	var value any
	if err := json.Unmarshal(raw.Raw, &value); err != nil {
		return field.ErrorList{field.Invalid(path, "<value omitted>", fmt.Sprintf("error parsing data as JSON: %v", err.Error()))}
	}
	if bytes.Equal(bytes.TrimSpace(raw.Raw), []byte("null")) {
		return field.ErrorList{field.Required(path, "")}
	}
	if _, object := value.(map[string]any); !object {
		return field.ErrorList{field.Invalid(path, "<value omitted>", "must be a valid JSON object")}
	}
	return nil
}

// Toleration checks which taints of devices are borne.
func Toleration(t v1.DeviceToleration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if t.Key != "" {
		errs = append(errs, metavalidation.ValidateLabelName(t.Key, path.Child("key"))...)
	}
	switch t.Operator {
	case v1.DeviceTolerationOpExists:
		if t.Value != "" {
			errs = append(errs, field.Invalid(path.Child("value"), t.Value, "must be empty for operator `Exists`"))
		}
	case v1.DeviceTolerationOpEqual:
		errs = append(errs, check.Messages(path.Child("value"), t.Value, validation.IsValidLabelValue(t.Value))...)
	default:
		errs = append(errs, check.RequiredOneOf(path.Child("operator"), t.Operator, v1.DeviceTolerationOpEqual, v1.DeviceTolerationOpExists)...)
	}
	if t.Effect != "" {
		errs = append(errs, check.OneOf(path.Child("effect"), t.Effect, v1.DeviceTaintEffectNoExecute, v1.DeviceTaintEffectNoSchedule, v1.DeviceTaintEffectNone)...)
	}
	return errs
}

// Taint checks what keeps claims from a device.
func Taint(t v1.DeviceTaint, path *field.Path) field.ErrorList {
	errs := metavalidation.ValidateLabelName(t.Key, path.Child("key"))
	errs = append(errs, check.Messages(path.Child("value"), t.Value, validation.IsValidLabelValue(t.Value))...)
	return append(errs, check.RequiredOneOf(path.Child("effect"), t.Effect, v1.DeviceTaintEffectNoExecute, v1.DeviceTaintEffectNoSchedule, v1.DeviceTaintEffectNone)...)
}

// Amount wants an amount that is not negative.
func Amount(q resource.Quantity, path *field.Path) field.ErrorList {
	return check.NonNegativeQuantity(path, q)
}

// ObjectName checks the name of another API object.
func ObjectName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return check.Messages(path, name, apivalidation.NameIsDNSSubdomain(name, false))
}
