package persistentvolume

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Capacity", corev1.PersistentVolumeSpec{}.SwaggerDoc()["capacity"]),
	table.Text("Access Modes", corev1.PersistentVolumeSpec{}.SwaggerDoc()["accessModes"]),
	table.Text("Reclaim Policy", corev1.PersistentVolumeSpec{}.SwaggerDoc()["persistentVolumeReclaimPolicy"]),
	table.Text("Status", corev1.PersistentVolumeStatus{}.SwaggerDoc()["phase"]),
	table.Text("Claim", corev1.PersistentVolumeSpec{}.SwaggerDoc()["claimRef"]),
	table.Text("StorageClass", "StorageClass of the pv"),
	table.Text("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
	table.Text("Reason", corev1.PersistentVolumeStatus{}.SwaggerDoc()["reason"]),
	table.Age,
	table.Wide(table.Text("VolumeMode", corev1.PersistentVolumeSpec{}.SwaggerDoc()["volumeMode"])),
}

func row(o *corev1.PersistentVolume) []any {
	claim := ""
	if r := o.Spec.ClaimRef; r != nil {
		claim = r.Namespace + "/" + r.Name
	}
	phase := string(o.Status.Phase)
	if o.DeletionTimestamp != nil {
		phase = "Terminating"
	}
	mode := "<unset>"
	if o.Spec.VolumeMode != nil {
		mode = string(*o.Spec.VolumeMode)
	}
	size := o.Spec.Capacity[corev1.ResourceStorage]
	return []any{
		o.Name, size.String(), table.AccessModes(o.Spec.AccessModes), string(o.Spec.PersistentVolumeReclaimPolicy), phase, claim,
		volume.GetPersistentVolumeClass(o), table.OrUnset(o.Spec.VolumeAttributesClassName), o.Status.Reason, table.Since(o.CreationTimestamp), mode,
	}
}
