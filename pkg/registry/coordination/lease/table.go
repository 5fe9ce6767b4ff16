package lease

import (
	coordinationv1 "k8s.io/api/coordination/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Holder", coordinationv1.LeaseSpec{}.SwaggerDoc()["holderIdentity"]),
	table.Age,
}

func row(o *coordinationv1.Lease) []any {
	holder := ""
	if o.Spec.HolderIdentity != nil {
		holder = *o.Spec.HolderIdentity
	}
	return []any{o.Name, holder, table.Since(o.CreationTimestamp)}
}
