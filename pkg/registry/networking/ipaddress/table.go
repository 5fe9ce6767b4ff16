package ipaddress

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("ParentRef", networkingv1.IPAddressSpec{}.SwaggerDoc()["parentRef"]),
}

func row(o *networkingv1.IPAddress) []any {
	parent := "<none>"
	if r := o.Spec.ParentRef; r != nil {
		parent = schema.GroupResource{Group: r.Group, Resource: r.Resource}.String()
		for _, p := range []string{r.Namespace, r.Name} {
			if p != "" {
				parent += "/" + p
			}
		}
	}
	// Upstream sends the age without a column for it; clients that count cells see the same here.
	return []any{o.Name, parent, table.Since(o.CreationTimestamp)}
}
