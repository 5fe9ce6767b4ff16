package storageclass

import (
	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Provisioner", storagev1.StorageClass{}.SwaggerDoc()["provisioner"]),
	table.Text("ReclaimPolicy", storagev1.StorageClass{}.SwaggerDoc()["reclaimPolicy"]),
	table.Text("VolumeBindingMode", storagev1.StorageClass{}.SwaggerDoc()["volumeBindingMode"]),
	table.Text("AllowVolumeExpansion", storagev1.StorageClass{}.SwaggerDoc()["allowVolumeExpansion"]),
	table.Age,
}

// The annotations that mark the class of claims that name none.
const (
	defaultAnnotation     = "storageclass.kubernetes.io/is-default-class"
	betaDefaultAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

func row(o *storagev1.StorageClass) []any {
	name := o.Name
	if o.Annotations[defaultAnnotation] == "true" || o.Annotations[betaDefaultAnnotation] == "true" {
		name += " (default)"
	}
	reclaim, binding := "Delete", "Immediate"
	if o.ReclaimPolicy != nil {
		reclaim = string(*o.ReclaimPolicy)
	}
	if o.VolumeBindingMode != nil {
		binding = string(*o.VolumeBindingMode)
	}
	return []any{
		name, o.Provisioner, reclaim, binding, o.AllowVolumeExpansion != nil && *o.AllowVolumeExpansion, table.Since(o.CreationTimestamp),
	}
}
