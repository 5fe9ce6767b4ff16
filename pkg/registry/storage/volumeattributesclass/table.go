package volumeattributesclass

import (
	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("DriverName", storagev1.VolumeAttributesClass{}.SwaggerDoc()["driverName"]),
	table.Age,
}

func row(o *storagev1.VolumeAttributesClass) []any {
	return []any{o.Name, o.DriverName, table.Since(o.CreationTimestamp)}
}
