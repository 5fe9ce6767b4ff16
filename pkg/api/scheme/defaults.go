package scheme

import (
	appsv1 "k8s.io/api/apps/v1"
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
