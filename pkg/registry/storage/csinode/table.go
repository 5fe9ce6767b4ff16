package csinode

import (
	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Drivers", "Drivers indicates the number of CSI drivers registered on the node"),
	table.Age,
}

func row(o *storagev1.CSINode) []any {
	return []any{o.Name, int64(len(o.Spec.Drivers)), table.Since(o.CreationTimestamp)}
}
