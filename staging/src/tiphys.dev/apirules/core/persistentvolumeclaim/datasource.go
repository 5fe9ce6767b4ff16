package persistentvolumeclaim

import v1 "k8s.io/api/core/v1"

// NormalizeDataSources copies between dataSource and dataSourceRef, which mean the same unless a namespace is named:
// the second came later and can point across namespaces, and old clients read only the first.
func NormalizeDataSources(spec *v1.PersistentVolumeClaimSpec) {
	switch {
	case spec.DataSource != nil && spec.DataSourceRef == nil:
		spec.DataSourceRef = &v1.TypedObjectReference{Kind: spec.DataSource.Kind, Name: spec.DataSource.Name}
		if spec.DataSource.APIGroup != nil {
			group := *spec.DataSource.APIGroup
			spec.DataSourceRef.APIGroup = &group
		}
	case spec.DataSourceRef != nil && spec.DataSource == nil:
		if spec.DataSourceRef.Namespace == nil || *spec.DataSourceRef.Namespace == "" {
			spec.DataSource = &v1.TypedLocalObjectReference{Kind: spec.DataSourceRef.Kind, Name: spec.DataSourceRef.Name}
			if spec.DataSourceRef.APIGroup != nil {
				group := *spec.DataSourceRef.APIGroup
				spec.DataSource.APIGroup = &group
			}
		}
	}
}

// DropDataSources removes what is not offered: a source in another namespace (the gate CrossNamespaceVolumeDataSource is
// off), and, as the older field always did, in dataSource alone anything but a claim or a snapshot. A claim that has such a
// source already keeps it. old is nil for a new claim.
func DropDataSources(spec, old *v1.PersistentVolumeClaimSpec) {
	if crosses(spec) && (old == nil || old.DataSourceRef == nil) {
		spec.DataSourceRef = nil
	}
	if spec.DataSource == nil || spec.DataSourceRef != nil || old != nil && old.DataSource != nil {
		return
	}
	group := ""
	if spec.DataSource.APIGroup != nil {
		group = *spec.DataSource.APIGroup
	}
	switch {
	case group == "" && spec.DataSource.Kind == "PersistentVolumeClaim", group == "snapshot.storage.k8s.io" && spec.DataSource.Kind == "VolumeSnapshot":
	default:
		spec.DataSource = nil
	}
}

func crosses(spec *v1.PersistentVolumeClaimSpec) bool {
	r := spec.DataSourceRef
	return r != nil && r.Namespace != nil && *r.Namespace != ""
}
