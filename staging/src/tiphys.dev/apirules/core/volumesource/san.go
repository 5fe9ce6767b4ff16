package volumesource

import (
	"regexp"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The three forms of an iSCSI name (RFC 3720, section 3.2.6).
var (
	iqnForm = regexp.MustCompile(`^iqn\.\d{4}-\d{2}\.([[:alnum:]-.]+)(:[^,;*&$|\s]+)$`)
	euiForm = regexp.MustCompile(`^eui\.[[:xdigit:]]{16}$`)
	naaForm = regexp.MustCompile(`^naa\.[[:xdigit:]]{32}$`)
)

func iscsiName(name string, path *field.Path) field.ErrorList {
	forms := map[string]*regexp.Regexp{"iqn": iqnForm, "eui": euiForm, "naa": naaForm}
	for prefix, form := range forms {
		if strings.HasPrefix(name, prefix) {
			if form.MatchString(name) {
				return nil
			}
			break
		}
	}
	return field.ErrorList{field.Invalid(path, name, "must be valid format starting with iqn, eui, or naa")}
}

// ISCSI is what pods and persistent volumes both say of an iSCSI target.
type ISCSI struct {
	TargetPortal, IQN             string
	Lun                           int32
	InitiatorName                 *string
	SessionCHAPAuth, DiscoverCHAP bool
	HasSecret                     bool
	SecretName                    string
}

// Validate checks portal, name, unit, and the secret that CHAP needs.
func (s ISCSI) Validate(path *field.Path) field.ErrorList {
	errs := required(path, "targetPortal", s.TargetPortal)
	if s.IQN == "" {
		errs = append(errs, field.Required(path.Child("iqn"), ""))
	} else {
		errs = append(errs, iscsiName(s.IQN, path.Child("iqn"))...)
	}
	if s.Lun < 0 || s.Lun > 255 {
		errs = append(errs, field.Invalid(path.Child("lun"), s.Lun, validation.InclusiveRangeError(0, 255)))
	}
	if (s.DiscoverCHAP || s.SessionCHAPAuth) && !s.HasSecret {
		errs = append(errs, field.Required(path.Child("secretRef"), ""))
	}
	if s.HasSecret && s.SecretName == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "name"), ""))
	}
	if s.InitiatorName != nil {
		errs = append(errs, iscsiName(*s.InitiatorName, path.Child("initiatorname"))...)
	}
	return errs
}

// FC checks a Fibre Channel target: names with a unit, or world wide identifiers, not both.
func FC(s *v1.FCVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch {
	case len(s.TargetWWNs) == 0 && len(s.WWIDs) == 0:
		errs = append(errs, field.Required(path.Child("targetWWNs"), "must specify either targetWWNs or wwids, but not both"))
	case len(s.TargetWWNs) != 0 && len(s.WWIDs) != 0:
		errs = append(errs, field.Invalid(path.Child("targetWWNs"), s.TargetWWNs, "targetWWNs and wwids can not be specified simultaneously"))
	}
	if len(s.TargetWWNs) == 0 {
		return errs
	}
	if s.Lun == nil {
		errs = append(errs, field.Required(path.Child("lun"), "lun is required if targetWWNs is specified"))
	} else if *s.Lun < 0 || *s.Lun > 255 {
		errs = append(errs, field.Invalid(path.Child("lun"), s.Lun, validation.InclusiveRangeError(0, 255)))
	}
	return errs
}

// FlexDriver checks the driver's name, and that nobody passes options which the node itself sets.
func FlexDriver(driver string, options map[string]string, path *field.Path) field.ErrorList {
	errs := required(path, "driver", driver)
	for key := range options {
		namespace := key
		if prefix, _, ok := strings.Cut(key, "/"); ok {
			namespace = prefix
		}
		normal := "." + strings.ToLower(namespace)
		if strings.HasSuffix(normal, ".kubernetes.io") || strings.HasSuffix(normal, ".k8s.io") {
			errs = append(errs, field.Invalid(path.Child("options").Key(key), key, "kubernetes.io and k8s.io namespaces are reserved"))
		}
	}
	return errs
}
