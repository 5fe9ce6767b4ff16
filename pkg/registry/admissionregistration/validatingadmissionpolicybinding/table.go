package validatingadmissionpolicybinding

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("PolicyName", "PolicyName indicates the policy definition which the policy binding binded to"),
	table.Text("ParamRef", "ParamRef indicates the param resource which sets the configuration param"),
	table.Age,
}

func row(o *admissionregistrationv1.ValidatingAdmissionPolicyBinding) []any {
	param := "<unset>"
	if r := o.Spec.ParamRef; r != nil {
		switch {
		case r.Namespace != "" && r.Name != "":
			param = r.Namespace + "/" + r.Name
		case r.Name != "":
			param = "*/" + r.Name
		case r.Selector != nil:
			param = r.Selector.String()
		}
	}
	return []any{o.Name, o.Spec.PolicyName, param, table.Since(o.CreationTimestamp)}
}
