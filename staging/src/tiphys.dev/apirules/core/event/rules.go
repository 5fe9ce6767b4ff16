package event

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	longestReason, longestAction, longestInstance = 128, 128, 128
	longestNote                                   = 1024
)

// Validate checks an event made through the core group, where little is demanded of events of the old form.
func Validate(obj *v1.Event) field.ErrorList {
	if obj.EventTime == (metav1.MicroTime{}) {
		return validateCore(obj)
	}
	return validateNew(obj)
}

// ValidateUpdate checks a change through the core group.
func ValidateUpdate(obj, old *v1.Event) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, Validate(obj)...)
}

// ValidateStrict checks an event made through events.k8s.io, which demands all of the new form and nothing of the old.
func ValidateStrict(obj *v1.Event) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if obj.EventTime.IsZero() {
		errs = append(errs, field.Required(field.NewPath("eventTime"), ""))
		errs = append(errs, validateNamespace(obj)...)
	}
	errs = append(errs, validateStrict(obj)...)
	return append(errs, refuseOldFields(obj)...)
}

// ValidateStrictUpdate checks a change through events.k8s.io: only the series goes on.
func ValidateStrictUpdate(obj, old *v1.Event) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if obj.EventTime.IsZero() {
		errs = append(errs, validateCore(obj)...) // of the old form, which the newer group shows as it is
	} else {
		errs = append(errs, ValidateStrict(obj)...)
	}
	immutable := func(path string, now, was any) {
		errs = append(errs, apivalidation.ValidateImmutableField(now, was, field.NewPath(path))...)
	}
	immutable("involvedObject", obj.InvolvedObject, old.InvolvedObject)
	immutable("reason", obj.Reason, old.Reason)
	immutable("message", obj.Message, old.Message)
	immutable("source", obj.Source, old.Source)
	immutable("firstTimestamp", obj.FirstTimestamp, old.FirstTimestamp)
	immutable("lastTimestamp", obj.LastTimestamp, old.LastTimestamp)
	immutable("count", obj.Count, old.Count)
	immutable("reportingController", obj.ReportingController, old.ReportingController)
	immutable("reportingInstance", obj.ReportingInstance, old.ReportingInstance)
	immutable("action", obj.Action, old.Action)
	immutable("related", obj.Related, old.Related)
	immutable("type", obj.Type, old.Type)
	// Stored times are whole seconds in some clients' hands: the same second is the same time.
	if obj.EventTime.Unix() != old.EventTime.Unix() {
		immutable("eventTime", obj.EventTime, old.EventTime)
	}
	return errs
}

// validateCore checks what any event obeys: it lives in the namespace of what it is about.
func validateCore(obj *v1.Event) field.ErrorList {
	errs := validateNamespace(obj)
	for _, m := range apivalidation.ValidateNamespaceName(obj.Namespace, false) {
		errs = append(errs, field.Invalid(field.NewPath("namespace"), obj.Namespace, m))
	}
	return errs
}

func validateNamespace(obj *v1.Event) field.ErrorList {
	path := field.NewPath("involvedObject", "namespace")
	if obj.InvolvedObject.Namespace == "" {
		// Events about things without namespace go to default, or to kube-system.
		if obj.Namespace != metav1.NamespaceNone && obj.Namespace != metav1.NamespaceDefault && obj.Namespace != metav1.NamespaceSystem {
			return field.ErrorList{field.Invalid(path, obj.InvolvedObject.Namespace, "does not match event.namespace")}
		}
		return nil
	}
	if obj.Namespace != obj.InvolvedObject.Namespace {
		return field.ErrorList{field.Invalid(path, obj.InvolvedObject.Namespace, "does not match event.namespace")}
	}
	return nil
}

// validateNew checks an event of the new form that came through the old group.
func validateNew(obj *v1.Event) field.ErrorList {
	var errs field.ErrorList
	if obj.ReportingController == "" {
		errs = append(errs, field.Required(field.NewPath("reportingComponent"), ""))
	}
	errs = append(errs, check.QualifiedName(field.NewPath("reportingComponent"), obj.ReportingController)...)
	errs = append(errs, bounded("reportingInstance", obj.ReportingInstance, longestInstance)...)
	errs = append(errs, bounded("action", obj.Action, longestAction)...)
	errs = append(errs, bounded("reason", obj.Reason, longestReason)...)
	if len(obj.Message) > longestNote {
		errs = append(errs, field.Invalid(field.NewPath("message"), "", fmt.Sprintf("can have at most %v characters", longestNote)))
	}
	return errs
}

func bounded(path, value string, longest int) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(field.NewPath(path), "")}
	}
	if len(value) > longest {
		return field.ErrorList{field.Invalid(field.NewPath(path), "", fmt.Sprintf("can have at most %v characters", longest))}
	}
	return nil
}

func validateStrict(obj *v1.Event) field.ErrorList {
	var errs field.ErrorList
	errs = append(errs, validateSeries(obj.Series)...)
	if obj.ReportingController == "" {
		errs = append(errs, field.Required(field.NewPath("reportingController"), ""))
	}
	errs = append(errs, check.QualifiedName(field.NewPath("reportingController"), obj.ReportingController)...)
	errs = append(errs, bounded("reportingInstance", obj.ReportingInstance, longestInstance)...)
	errs = append(errs, bounded("action", obj.Action, longestAction)...)
	errs = append(errs, bounded("reason", obj.Reason, longestReason)...)
	if obj.Type != v1.EventTypeNormal && obj.Type != v1.EventTypeWarning {
		errs = append(errs, field.Invalid(field.NewPath("type"), "", fmt.Sprintf("has invalid value: %v", obj.Type)))
	}
	if len(obj.Message) > longestNote {
		errs = append(errs, field.Invalid(field.NewPath("message"), "", fmt.Sprintf("can have at most %v characters", longestNote)))
	}
	return errs
}

func validateSeries(s *v1.EventSeries) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	if s.Count < 2 {
		errs = append(errs, field.Invalid(field.NewPath("series.count"), "", "should be at least 2"))
	}
	if s.LastObservedTime.IsZero() {
		errs = append(errs, field.Required(field.NewPath("series.lastObservedTime"), ""))
	}
	return errs
}

func refuseOldFields(obj *v1.Event) field.ErrorList {
	var errs field.ErrorList
	never := time.Time{}
	if obj.FirstTimestamp.Time != never {
		errs = append(errs, field.Invalid(field.NewPath("firstTimestamp"), "", "needs to be unset"))
	}
	if obj.LastTimestamp.Time != never {
		errs = append(errs, field.Invalid(field.NewPath("lastTimestamp"), "", "needs to be unset"))
	}
	if obj.Count != 0 {
		errs = append(errs, field.Invalid(field.NewPath("count"), "", "needs to be unset"))
	}
	if obj.Source.Component != "" || obj.Source.Host != "" {
		errs = append(errs, field.Invalid(field.NewPath("source"), "", "needs to be unset"))
	}
	return errs
}
