package apirules

import (
	"reflect"

	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tiphys.dev/apirules/authentication/tokenrequest"
	"tiphys.dev/apirules/autoscaling/horizontalpodautoscaler"
)

// AddDefaults registers the defaults of every kind that has some, and of its list. Each may be called any number of
// times on the same object: what is filled in stays as it is.
func AddDefaults(scheme *runtime.Scheme) {
	for _, k := range kinds {
		if k.defaults == nil {
			continue
		}
		add(scheme, k.New(), k.list, k.SetDefaults)
	}
	// A second version of a kind, and a kind that only a subresource takes.
	add(scheme, &autoscalingv1.HorizontalPodAutoscaler{}, &autoscalingv1.HorizontalPodAutoscalerList{}, func(o Object) {
		horizontalpodautoscaler.SetDefaultsV1(o.(*autoscalingv1.HorizontalPodAutoscaler))
	})
	add(scheme, &authenticationv1.TokenRequest{}, nil, func(o Object) { tokenrequest.SetDefaults(o.(*authenticationv1.TokenRequest)) })
}

// add registers the defaults of a kind and of its list, whose items are filled in one by one.
func add(scheme *runtime.Scheme, obj Object, list runtime.Object, setDefaults func(Object)) {
	scheme.AddTypeDefaultingFunc(obj, func(o any) { setDefaults(o.(Object)) })
	if list == nil {
		return
	}
	scheme.AddTypeDefaultingFunc(list, func(l any) {
		items := reflect.ValueOf(l).Elem().FieldByName("Items")
		for i := range items.Len() {
			setDefaults(items.Index(i).Addr().Interface().(Object))
		}
	})
}
