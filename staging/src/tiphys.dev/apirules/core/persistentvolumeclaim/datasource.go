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
