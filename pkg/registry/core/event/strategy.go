package event

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	rules "tiphys.dev/apirules/core/event"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of events for the group; ttl is how long they are kept. Both groups have the same objects, which are those of the core group in the
// store, in its metrics and in what is counted.
func New(getter generic.RESTOptionsGetter, group string, ttl time.Duration) (stored.Storage, error) {
	// Through the newer group an event must be complete; the core group takes what older recorders send.
	validate, validateUpdate := rules.Validate, rules.ValidateUpdate
	if group != "" {
		validate, validateUpdate = rules.ValidateStrict, rules.ValidateStrictUpdate
	}
	r := &stored.Resource[*corev1.Event]{
		Name: "events", Singular: "event",
		Namespaced:    true,
		AnyFinalizers: group == "",
		ShortNames:    []string{"ev"},

		New:     func() *corev1.Event { return &corev1.Event{} },
		NewList: func() runtime.Object { return &corev1.EventList{} },

		Validate:       validate,
		ValidateUpdate: validateUpdate,
		CreateOnUpdate: true,
		// Nobody owns by an event, so no finalizers of the collector are ever set.
		Collect: rest.Unsupported,
		TTL:     func(*corev1.Event, uint64, bool) (uint64, error) { return uint64(ttl.Seconds()), nil },
		Fields:  selectable,

		Columns: columns,
		Row:     row,
	}
	s, _, err := r.Storage(getter)
	return s, err
}

func selectable(o *corev1.Event) fields.Set {
	source := o.Source.Component
	if source == "" {
		source = o.ReportingController
	}
	set := make(fields.Set, 13)
	set["involvedObject.kind"] = o.InvolvedObject.Kind
	set["involvedObject.namespace"] = o.InvolvedObject.Namespace
	set["involvedObject.name"] = o.InvolvedObject.Name
	set["involvedObject.uid"] = string(o.InvolvedObject.UID)
	set["involvedObject.apiVersion"] = o.InvolvedObject.APIVersion
	set["involvedObject.resourceVersion"] = o.InvolvedObject.ResourceVersion
	set["involvedObject.fieldPath"] = o.InvolvedObject.FieldPath
	set["reason"] = o.Reason
	set["reportingComponent"] = o.ReportingController
	set["source"] = source
	set["type"] = o.Type
	return set
}
