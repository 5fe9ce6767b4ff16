package resourceslice

import (
	resourcev1 "k8s.io/api/resource/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Node", resourcev1.ResourceSliceSpec{}.SwaggerDoc()["nodeName"]),
	table.Text("Driver", resourcev1.ResourceSliceSpec{}.SwaggerDoc()["driver"]),
	table.Text("Pool", resourcev1.ResourcePool{}.SwaggerDoc()["name"]),
	table.Age,
}

func nodeName(o *resourcev1.ResourceSlice) string {
	if o.Spec.NodeName == nil {
		return ""
	}
	return *o.Spec.NodeName
}

func row(o *resourcev1.ResourceSlice) []any {
	return []any{o.Name, nodeName(o), o.Spec.Driver, o.Spec.Pool.Name, table.Since(o.CreationTimestamp)}
}
