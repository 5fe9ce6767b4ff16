package ingressclass

import (
	networkingv1 "k8s.io/api/networking/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Controller", "Controller that is responsible for handling this class"),
	table.Text("Parameters", "A reference to a resource with additional parameters"),
	table.Age,
}

func row(o *networkingv1.IngressClass) []any {
	parameters := "<none>"
	if p := o.Spec.Parameters; p != nil {
		parameters = p.Kind
		if p.APIGroup != nil {
			parameters += "." + *p.APIGroup
		}
		parameters += "/" + p.Name
	}
	return []any{o.Name, o.Spec.Controller, parameters, table.Since(o.CreationTimestamp)}
}
