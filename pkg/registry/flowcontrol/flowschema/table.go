package flowschema

import (
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("PriorityLevel", flowcontrolv1.PriorityLevelConfigurationReference{}.SwaggerDoc()["name"]),
	table.Text("MatchingPrecedence", flowcontrolv1.FlowSchemaSpec{}.SwaggerDoc()["matchingPrecedence"]),
	table.Text("DistinguisherMethod", flowcontrolv1.FlowSchemaSpec{}.SwaggerDoc()["distinguisherMethod"]),
	table.Age,
	table.Text("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
}

func row(o *flowcontrolv1.FlowSchema) []any {
	method := "<none>"
	if m := o.Spec.DistinguisherMethod; m != nil {
		method = string(m.Type)
	}
	dangling := "?"
	for _, c := range o.Status.Conditions {
		if c.Type == flowcontrolv1.FlowSchemaConditionDangling {
			dangling = string(c.Status)
		}
	}
	return []any{
		o.Name, o.Spec.PriorityLevelConfiguration.Name, int64(o.Spec.MatchingPrecedence), method, table.Since(o.CreationTimestamp), dangling,
	}
}
