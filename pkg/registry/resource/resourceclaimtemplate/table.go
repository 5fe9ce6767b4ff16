package resourceclaimtemplate

import (
	resourcev1 "k8s.io/api/resource/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Age}

func row(o *resourcev1.ResourceClaimTemplate) []any {
	return []any{o.Name, table.Since(o.CreationTimestamp)}
}
