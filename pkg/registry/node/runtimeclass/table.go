package runtimeclass

import (
	nodev1 "k8s.io/api/node/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Handler", ""),
	table.Age,
}

func row(o *nodev1.RuntimeClass) []any {
	return []any{o.Name, o.Handler, table.Since(o.CreationTimestamp)}
}
