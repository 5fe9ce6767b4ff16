package resources

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// SetDefaults rounds each amount up to thousandths, the finest the API keeps.
func SetDefaults(list v1.ResourceList) {
	for name, amount := range list {
		if amount.RoundUp(resource.Milli) {
			continue
		}
		list[name] = amount
	}
}
