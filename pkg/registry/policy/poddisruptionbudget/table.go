package poddisruptionbudget

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Min Available", "The minimum number of pods that must be available."),
	table.Text("Max Unavailable", "The maximum number of pods that may be unavailable."),
	table.Number("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time."),
	table.Age,
}

func row(o *policyv1.PodDisruptionBudget) []any {
	return []any{
		o.Name, amount(o.Spec.MinAvailable), amount(o.Spec.MaxUnavailable), int64(o.Status.DisruptionsAllowed), table.Since(o.CreationTimestamp),
	}
}

func amount(v *intstr.IntOrString) string {
	if v == nil {
		return "N/A"
	}
	return v.String()
}
