package devicetaintrule

import (
	resourcev1beta2 "k8s.io/api/resource/v1beta2"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var taint = resourcev1beta2.DeviceTaint{}.SwaggerDoc()

var columns = []table.Column{
	table.Name,
	table.Text("Key", taint["key"]),
	table.Text("Value", taint["value"]),
	table.Text("Effect", taint["effect"]),
	table.Text("TimeAdded", taint["timeAdded"]),
	table.Age,
}

func row(o *resourcev1beta2.DeviceTaintRule) []any {
	added := ""
	if t := o.Spec.Taint.TimeAdded; t != nil {
		added = table.Since(*t)
	}
	return []any{o.Name, o.Spec.Taint.Key, o.Spec.Taint.Value, string(o.Spec.Taint.Effect), added, table.Since(o.CreationTimestamp)}
}
