package leasecandidate

import (
	coordinationv1alpha2 "k8s.io/api/coordination/v1alpha2"
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

// The texts are those that clients know from upstream, whose columns are older than what the fields say now.
var columns = []table.Column{
	table.Name,
	table.Text("LeaseName", coordinationv1alpha2.LeaseCandidateSpec{}.SwaggerDoc()["leaseName"]),
	table.Text("BinaryVersion", ""),
	table.Text("EmulationVersion", ""),
	table.Age,
}

func row(o *coordinationv1beta1.LeaseCandidate) []any {
	return []any{o.Name, o.Spec.LeaseName, o.Spec.BinaryVersion, o.Spec.EmulationVersion, table.Since(o.CreationTimestamp)}
}
