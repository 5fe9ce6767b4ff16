package networkpolicy

import (
	networkingv1 "k8s.io/api/networking/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Pod-Selector", networkingv1.NetworkPolicySpec{}.SwaggerDoc()["podSelector"]),
	table.Age,
}

func row(o *networkingv1.NetworkPolicy) []any {
	return []any{o.Name, table.Selector(&o.Spec.PodSelector), table.Since(o.CreationTimestamp)}
}
