package event

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	coreevent "tiphys.dev/apirules/core/event"
)

// Validate checks an event made through events.k8s.io, in the form in which all events are kept: that of the core group.
func Validate(obj *v1.Event) field.ErrorList { return coreevent.ValidateStrict(obj) }

// ValidateUpdate checks a change through events.k8s.io.
func ValidateUpdate(obj, old *v1.Event) field.ErrorList {
	return coreevent.ValidateStrictUpdate(obj, old)
}
