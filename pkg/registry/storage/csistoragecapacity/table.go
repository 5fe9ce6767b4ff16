package csistoragecapacity

import (
	"time"

	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Created}

func row(o *storagev1.CSIStorageCapacity) []any {
	return []any{o.Name, o.CreationTimestamp.UTC().Format(time.RFC3339)}
}
