package mutatingadmissionpolicy

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Mutations", "Mutation indicates the number of mutations rules defined in this configuration"),
	table.Text("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy"),
	table.Age,
}

func row(o *admissionregistrationv1.MutatingAdmissionPolicy) []any {
	kind := "<unset>"
	if k := o.Spec.ParamKind; k != nil {
		kind = k.APIVersion + "/" + k.Kind
	}
	return []any{o.Name, int64(len(o.Spec.Mutations)), kind, table.Since(o.CreationTimestamp)}
}
