package csidriver

import (
	"strings"

	storagev1 "k8s.io/api/storage/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	{Name: "AttachRequired", Type: "boolean", Description: storagev1.CSIDriverSpec{}.SwaggerDoc()["attachRequired"]},
	{Name: "PodInfoOnMount", Type: "boolean", Description: storagev1.CSIDriverSpec{}.SwaggerDoc()["podInfoOnMount"]},
	{Name: "StorageCapacity", Type: "boolean", Description: storagev1.CSIDriverSpec{}.SwaggerDoc()["storageCapacity"]},
	table.Text("TokenRequests", storagev1.CSIDriverSpec{}.SwaggerDoc()["tokenRequests"]),
	{Name: "RequiresRepublish", Type: "boolean", Description: storagev1.CSIDriverSpec{}.SwaggerDoc()["requiresRepublish"]},
	table.Text("Modes", storagev1.CSIDriverSpec{}.SwaggerDoc()["volumeLifecycleModes"]),
	table.Age,
}

func row(o *storagev1.CSIDriver) []any {
	yes := func(b *bool, unset bool) bool {
		if b == nil {
			return unset
		}
		return *b
	}
	tokens := "<unset>"
	if o.Spec.TokenRequests != nil {
		var audiences []string
		for _, t := range o.Spec.TokenRequests {
			audiences = append(audiences, t.Audience)
		}
		tokens = strings.Join(audiences, ",")
	}
	var modes []string
	for _, m := range o.Spec.VolumeLifecycleModes {
		modes = append(modes, string(m))
	}
	return []any{
		o.Name, yes(o.Spec.AttachRequired, true), yes(o.Spec.PodInfoOnMount, false), yes(o.Spec.StorageCapacity, false), tokens,
		yes(o.Spec.RequiresRepublish, false), table.Join(modes), table.Since(o.CreationTimestamp),
	}
}
