package persistentvolumeclaim

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Status", corev1.PersistentVolumeClaimStatus{}.SwaggerDoc()["phase"]),
	table.Text("Volume", corev1.PersistentVolumeClaimSpec{}.SwaggerDoc()["volumeName"]),
	table.Text("Capacity", corev1.PersistentVolumeClaimStatus{}.SwaggerDoc()["capacity"]),
	table.Text("Access Modes", corev1.PersistentVolumeClaimStatus{}.SwaggerDoc()["accessModes"]),
	table.Text("StorageClass", "StorageClass of the pvc"),
	table.Text("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
	table.Age,
	table.Wide(table.Text("VolumeMode", corev1.PersistentVolumeClaimSpec{}.SwaggerDoc()["volumeMode"])),
}

func row(o *corev1.PersistentVolumeClaim) []any {
	phase := string(o.Status.Phase)
	if o.DeletionTimestamp != nil {
		phase = "Terminating"
	}
	var capacity, modes string
	mode := "<unset>"
	if o.Spec.VolumeName != "" {
		modes = table.AccessModes(o.Status.AccessModes)
		storage := o.Status.Capacity[corev1.ResourceStorage]
		capacity = storage.String()
	}
	if o.Spec.VolumeMode != nil {
		mode = string(*o.Spec.VolumeMode)
	}
	return []any{
		o.Name, phase, o.Spec.VolumeName, capacity, modes, volume.GetPersistentVolumeClaimClass(o),
		table.OrUnset(o.Spec.VolumeAttributesClassName), table.Since(o.CreationTimestamp), mode,
	}
}
