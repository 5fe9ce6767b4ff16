package clustertrustbundle

import (
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/certificates/clustertrustbundle"

	"tiphys.dev/tiphys/pkg/registry/stored"
	"tiphys.dev/tiphys/pkg/registry/table"
)

var resource = &stored.Resource[*certificatesv1beta1.ClusterTrustBundle]{
	Group: "certificates.k8s.io", Name: "clustertrustbundles", Singular: "clustertrustbundle",

	New:     func() *certificatesv1beta1.ClusterTrustBundle { return &certificatesv1beta1.ClusterTrustBundle{} },
	NewList: func() runtime.Object { return &certificatesv1beta1.ClusterTrustBundleList{} },

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,
	Fields: func(o *certificatesv1beta1.ClusterTrustBundle) fields.Set {
		return fields.Set{"spec.signerName": o.Spec.SignerName}
	},

	Columns: []table.Column{table.Name, table.Text("SignerName", certificatesv1beta1.ClusterTrustBundleSpec{}.SwaggerDoc()["signerName"])},
	Row:     row,
}

func row(o *certificatesv1beta1.ClusterTrustBundle) []any {
	signer := "<none>"
	if o.Spec.SignerName != "" {
		signer = o.Spec.SignerName
	}
	return []any{o.Name, signer}
}

// New makes the storage of clustertrustbundles.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
