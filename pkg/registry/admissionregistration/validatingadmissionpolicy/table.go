package validatingadmissionpolicy

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Validations", "Validations indicates the number of validation rules defined in this configuration"),
	table.Text("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy"),
	table.Age,
}

func row(o *admissionregistrationv1.ValidatingAdmissionPolicy) []any {
	kind := "<unset>"
	if k := o.Spec.ParamKind; k != nil {
		kind = k.APIVersion + "/" + k.Kind
	}
	return []any{o.Name, int64(len(o.Spec.Validations)), kind, table.Since(o.CreationTimestamp)}
}
