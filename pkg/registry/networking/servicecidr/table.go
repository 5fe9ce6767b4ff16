package servicecidr

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("CIDRs", networkingv1.ServiceCIDRSpec{}.SwaggerDoc()["cidrs"]),
	table.Age,
}

func row(o *networkingv1.ServiceCIDR) []any {
	return []any{o.Name, strings.Join(o.Spec.CIDRs, ","), table.Since(o.CreationTimestamp)}
}
