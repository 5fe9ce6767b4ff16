package lint

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules"
	"tiphys.dev/apirules/core/service"
	"tiphys.dev/apirules/events/event"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// second are the versions of kinds that the server keeps in another version: what they are decoded into, and what it validates.
var second = map[schema.GroupVersionKind]struct {
	decoded func() apirules.Object
	kept    schema.GroupVersionKind
}{
	autoscalingv1.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"): {
		func() apirules.Object { return &autoscalingv1.HorizontalPodAutoscaler{} },
		autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
	},
	eventsv1.SchemeGroupVersion.WithKind("Event"): {
		func() apirules.Object { return &eventsv1.Event{} },
		corev1.SchemeGroupVersion.WithKind("Event"),
	},
}

// standard judges an object of a standard kind.
func standard(o *object) (verdict, bool) {
	gvk := o.gvk
	other, converted := second[gvk]
	if converted {
		gvk = other.kept
	}
	kind, known := apirules.Lookup(gvk)
	if !known {
		return verdict{}, false
	}
	fresh := kind.New
	if converted {
		fresh = other.decoded
	}
	var v verdict
	decoded := fresh()
	// Comes with every answer, whatever else is wrong.
	if w := deprecation(decoded, o.gvk); w != "" {
		v.warnings = append(v.warnings, w)
	}
	v.unknown, v.undecodable = decode(o.value, decoded)
	if v.undecodable != nil {
		v.field = culprit(o.value, func() error {
			_, err := decode(o.value, fresh())
			return err
		})
		return v, true
	}
	obj := decoded
	if converted {
		scheme.Scheme.Default(decoded)
		obj = kind.New()
		if err := scheme.Scheme.Convert(decoded, obj, nil); err != nil {
			v.undecodable = err
			return v, true
		}
	}
	judge(o, kind, obj, &v)
	return v, true
}

// judge takes the way of a create.
func judge(o *object, kind *apirules.Kind, obj apirules.Object, v *verdict) {
	if obj.GetResourceVersion() != "" && !kind.Review {
		v.forbidden = map[string]string{"metadata.resourceVersion": "resourceVersion should not be set on objects to be created"}
		obj.SetResourceVersion("")
	}
	kind.SetDefaults(obj)
	kind.PrepareForCreate(obj)
	complete(obj)
	errs := first(obj)
	if len(errs) == 0 {
		errs = kind.ValidateCreate(obj)
	}
	if e, ok := obj.(*corev1.Event); ok && o.gvk.Group == eventsv1.GroupName {
		errs = event.Validate(e)
	}
	v.refused = causes(o.gvk, obj.GetName(), errs)
	if len(errs) == 0 {
		v.warnings = append(v.warnings, kind.Warnings(obj)...)
	}
}

// complete fills in what the server does on the way, beside the rules of the kind.
func complete(obj apirules.Object) {
	switch o := obj.(type) {
	case *corev1.LimitRange:
		// Nobody asks for one by name, so it may come without and is given one.
		if o.Name == "" && o.GenerateName == "" {
			o.Name = "generated"
		}
	case *corev1.Pod:
		// Admission, where nobody has switched it off.
		if o.Spec.ServiceAccountName == "" {
			o.Spec.ServiceAccountName = "default"
		}
	}
}

// first is what the server looks at before all else, and says nothing more if it is wrong.
func first(obj apirules.Object) field.ErrorList {
	if o, ok := obj.(*corev1.Service); ok {
		return service.ValidateClusterIPs(o, nil)
	}
	return nil
}
