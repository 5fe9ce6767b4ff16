package ipaddress

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("ParentRef", networkingv1.IPAddressSpec{}.SwaggerDoc()["parentRef"]),
}

func row(o *networkingv1.IPAddress) []any {
	parent := "<none>"
	if r := o.Spec.ParentRef; r != nil {
		var parts []string
		for _, p := range []string{r.Group, r.Resource, r.Namespace, r.Name} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		parent = strings.Join(parts, "/")
	}
	return []any{o.Name, parent}
}
