package scheme

import (
	appsv1 "k8s.io/api/apps/v1"
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tiphys.dev/apirules/apps/daemonset"
)

// registerWireDefaults adds to the defaults of the kinds what only the server's side of the wire fills in.
func registerWireDefaults(s *runtime.Scheme) {
	s.AddTypeDefaultingFunc(&appsv1.DaemonSet{}, func(obj any) { defaultDaemonSet(obj.(*appsv1.DaemonSet)) })
	s.AddTypeDefaultingFunc(&appsv1.DaemonSetList{}, func(obj any) {
		list := obj.(*appsv1.DaemonSetList)
		for i := range list.Items {
			defaultDaemonSet(&list.Items[i])
		}
	})
	s.AddTypeDefaultingFunc(&resourcev1beta2.DeviceTaintRule{}, func(obj any) { stamp(&obj.(*resourcev1beta2.DeviceTaintRule).Spec.Taint.TimeAdded) })
	s.AddTypeDefaultingFunc(&resourcev1alpha3.DeviceTaintRule{}, func(obj any) { stamp(&obj.(*resourcev1alpha3.DeviceTaintRule).Spec.Taint.TimeAdded) })
}

// stamp notes when a taint came that does not say so itself. It is the writer's own time from then on.
func stamp(added **metav1.Time) {
	if *added == nil {
		now := metav1.Now().Rfc3339Copy()
		*added = &now
	}
}

// defaultDaemonSet gives every daemonset the annotation that carries the number of its template: the writer owns it from
// the first decoding on, as with upstream, where it is a field in memory.
func defaultDaemonSet(o *appsv1.DaemonSet) {
	daemonset.SetDefaults(o)
	if _, ok := o.Annotations[appsv1.DeprecatedTemplateGeneration]; ok {
		return
	}
	if o.Annotations == nil {
		o.Annotations = map[string]string{}
	}
	o.Annotations[appsv1.DeprecatedTemplateGeneration] = "0"
}
