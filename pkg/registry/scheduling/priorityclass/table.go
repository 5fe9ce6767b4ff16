package priorityclass

import (
	schedulingv1 "k8s.io/api/scheduling/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Value", schedulingv1.PriorityClass{}.SwaggerDoc()["value"]),
	{Name: "Global-Default", Type: "boolean", Description: schedulingv1.PriorityClass{}.SwaggerDoc()["globalDefault"]},
	table.Age,
	table.Text("PreemptionPolicy", schedulingv1.PriorityClass{}.SwaggerDoc()["preemptionPolicy"]),
}

func row(o *schedulingv1.PriorityClass) []any {
	policy := ""
	if o.PreemptionPolicy != nil {
		policy = string(*o.PreemptionPolicy)
	}
	return []any{o.Name, int64(o.Value), o.GlobalDefault, table.Since(o.CreationTimestamp), policy}
}
