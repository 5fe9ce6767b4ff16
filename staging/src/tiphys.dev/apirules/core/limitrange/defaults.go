package limitrange

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/resources"
)

// SetDefaults fills what a container limit leaves open: the default limit from the maximum, the default request from
// the default limit, then from the minimum.
func SetDefaults(obj *v1.LimitRange) {
	for i := range obj.Spec.Limits {
		item := &obj.Spec.Limits[i]
		for _, list := range []v1.ResourceList{item.Max, item.Min, item.Default, item.DefaultRequest, item.MaxLimitRequestRatio} {
			resources.SetDefaults(list)
		}
		if item.Type != v1.LimitTypeContainer {
			continue
		}
		if item.Default == nil {
			item.Default = v1.ResourceList{}
		}
		if item.DefaultRequest == nil {
			item.DefaultRequest = v1.ResourceList{}
		}
		fill(item.Default, item.Max)
		fill(item.DefaultRequest, item.Default)
		fill(item.DefaultRequest, item.Min)
	}
}

func fill(to, from v1.ResourceList) {
	for name, amount := range from {
		if _, has := to[name]; !has {
			to[name] = amount.DeepCopy()
		}
	}
}
