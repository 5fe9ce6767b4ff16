package volumeattachment

import (
	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	{Name: "Attacher", Type: "string", Format: "name", Description: storagev1.VolumeAttachmentSpec{}.SwaggerDoc()["attacher"]},
	table.Text("PV", storagev1.VolumeAttachmentSource{}.SwaggerDoc()["persistentVolumeName"]),
	table.Text("Node", storagev1.VolumeAttachmentSpec{}.SwaggerDoc()["nodeName"]),
	{Name: "Attached", Type: "boolean", Description: storagev1.VolumeAttachmentStatus{}.SwaggerDoc()["attached"]},
	table.Age,
}

func row(o *storagev1.VolumeAttachment) []any {
	pv := ""
	if o.Spec.Source.PersistentVolumeName != nil {
		pv = *o.Spec.Source.PersistentVolumeName
	}
	return []any{o.Name, o.Spec.Attacher, pv, o.Spec.NodeName, o.Status.Attached, table.Since(o.CreationTimestamp)}
}
