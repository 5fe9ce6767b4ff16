package storageversion

import (
	"strings"

	v1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var status = v1alpha1.StorageVersionStatus{}.SwaggerDoc()

var columns = []table.Column{
	table.Name,
	table.Text("CommonEncodingVersion", status["commonEncodingVersion"]),
	table.Text("StorageVersions", status["storageVersions"]),
	table.Age,
}

// unset stands for what no server has reported.
const unset = "<unset>"

func row(o *v1alpha1.StorageVersion) []any {
	common, servers := unset, unset
	if v := o.Status.CommonEncodingVersion; v != nil {
		common = *v
	}
	if len(o.Status.StorageVersions) > 0 {
		var all []string
		for _, s := range o.Status.StorageVersions {
			all = append(all, s.APIServerID+"="+s.EncodingVersion)
		}
		servers = strings.Join(all, ",")
	}
	return []any{o.Name, common, servers, table.Since(o.CreationTimestamp)}
}
