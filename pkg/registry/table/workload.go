package table

import (
	"strings"

	v1 "k8s.io/api/core/v1"
)

// Workload are the wide columns of everything that runs pods from a template.
var Workload = []Column{
	Wide(Text("Containers", "Names of each container in the template.")),
	Wide(Text("Images", "Images referenced by each container in the template.")),
}

// Containers returns the names and the images of a pod's containers, as the Workload columns show them.
func Containers(spec *v1.PodSpec) (names, images string) {
	var n, i []string
	for _, c := range spec.Containers {
		n = append(n, c.Name)
		i = append(i, c.Image)
	}
	return strings.Join(n, ","), strings.Join(i, ",")
}
