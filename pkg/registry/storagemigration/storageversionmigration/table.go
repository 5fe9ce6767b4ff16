package storageversionmigration

import (
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Text("Name", table.Name.Description),
	table.Text("Resource", "GroupResource to migrate"),
	table.Text("Status", "Status of the migration"),
}

func row(o *storagemigrationv1beta1.StorageVersionMigration) []any {
	resource := schema.GroupResource{Group: o.Spec.Resource.Group, Resource: o.Spec.Resource.Resource}
	status := "Unknown"
	for _, t := range []storagemigrationv1beta1.MigrationConditionType{
		storagemigrationv1beta1.MigrationSucceeded, storagemigrationv1beta1.MigrationFailed, storagemigrationv1beta1.MigrationRunning,
	} {
		if meta.IsStatusConditionTrue(o.Status.Conditions, string(t)) {
			status = string(t)
			break
		}
	}
	return []any{o.Name, resource.String(), status}
}
