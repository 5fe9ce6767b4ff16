package volumeattachment

import (
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/volumesource"
)

const (
	longestMessage  = 1 << 10
	longestMetadata = 256 * 1024
)

// Validate checks a new attachment of a volume to a node.
func Validate(obj *v1.VolumeAttachment) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec)...)
	errs = append(errs, validateStatus(&obj.Status)...)
	// A new one is made with the attacher's full name.
	return append(errs, volumesource.DriverName(obj.Spec.Attacher, field.NewPath("spec", "attacher"))...)
}

func validateSpec(spec *v1.VolumeAttachmentSpec) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if spec.Attacher == "" {
		errs = append(errs, field.Required(path.Child("attacher"), spec.Attacher))
	}
	source := path.Child("source")
	name, inline := spec.Source.PersistentVolumeName, spec.Source.InlineVolumeSpec
	switch {
	case inline == nil && name == nil:
		errs = append(errs, field.Required(source, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
	case inline != nil && name != nil:
		errs = append(errs, field.Forbidden(source, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
	case name != nil && *name == "":
		errs = append(errs, field.Required(source.Child("persistentVolumeName"), "must specify non empty persistentVolumeName"))
	}
	if name != nil {
		errs = append(errs, check.Messages(source.Child("persistentVolumeName"), *name, apivalidation.NameIsDNSSubdomain(*name, false))...)
	}
	node := path.Child("nodeName")
	if msgs := apivalidation.NameIsDNSSubdomain(spec.NodeName, false); len(msgs) > 0 {
		errs = append(errs, check.Messages(node, spec.NodeName, msgs)...)
	}
	return errs
}

func validateStatus(s *v1.VolumeAttachmentStatus) field.ErrorList {
	path := field.NewPath("status")
	var errs field.ErrorList
	size := 0
	for k, v := range s.AttachmentMetadata {
		size += len(k) + len(v)
	}
	if size > longestMetadata {
		errs = append(errs, field.TooLong(path.Child("attachmentMetadata"), s.AttachmentMetadata, longestMetadata))
	}
	for child, e := range map[string]*v1.VolumeError{"attachError": s.AttachError, "detachError": s.DetachError} {
		if e == nil {
			continue
		}
		if len(e.Message) > longestMessage {
			errs = append(errs, field.TooLong(path.Child(child).Child("message"), e.Message, longestMessage))
		}
		if e.ErrorCode != nil {
			errs = append(errs, check.NonNegative(path.Child(child).Child("errorCode"), *e.ErrorCode)...)
		}
	}
	return errs
}

// ValidateUpdate checks a change: which volume goes to which node stays.
func ValidateUpdate(obj, old *v1.VolumeAttachment) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	errs = append(errs, validateSpec(&obj.Spec)...)
	errs = append(errs, validateStatus(&obj.Status)...)
	errs = append(errs, volumesource.DriverName(obj.Spec.Attacher, field.NewPath("spec", "attacher"))...)
	if !check.Same(&obj.Spec, &old.Spec) {
		errs = append(errs, field.Invalid(field.NewPath("spec"), obj.Spec, apivalidation.FieldImmutableErrorMsg))
	}
	return errs
}

// ValidateStatusUpdate checks what the attacher reports.
func ValidateStatusUpdate(obj, old *v1.VolumeAttachment) field.ErrorList {
	return ValidateUpdate(obj, old)
}
