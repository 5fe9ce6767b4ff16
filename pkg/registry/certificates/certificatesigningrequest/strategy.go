package certificatesigningrequest

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"

	rules "tiphys.dev/apirules/certificates/certificatesigningrequest"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*certificatesv1.CertificateSigningRequest]{
	Group: "certificates.k8s.io", Name: "certificatesigningrequests", Singular: "certificatesigningrequest",
	ShortNames: []string{"csr"},

	New:     func() *certificatesv1.CertificateSigningRequest { return &certificatesv1.CertificateSigningRequest{} },
	NewList: func() runtime.Object { return &certificatesv1.CertificateSigningRequestList{} },
	Spec:    func(o *certificatesv1.CertificateSigningRequest) any { return &o.Spec },
	Status:  func(o *certificatesv1.CertificateSigningRequest) any { return &o.Status },

	SpecKept: true,

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	PrepareForCreate: func(ctx context.Context, o *certificatesv1.CertificateSigningRequest) {
		// Who asks is what the server saw, not what the request says.
		o.Spec.Username, o.Spec.UID, o.Spec.Groups, o.Spec.Extra = "", "", nil, nil
		if u, ok := genericrequest.UserFrom(ctx); ok {
			o.Spec.Username, o.Spec.UID, o.Spec.Groups = u.GetName(), u.GetUID(), u.GetGroups()
			for k, v := range u.GetExtra() {
				if o.Spec.Extra == nil {
					o.Spec.Extra = map[string]certificatesv1.ExtraValue{}
				}
				o.Spec.Extra[k] = v
			}
		}
	},
	PrepareForUpdate: func(_ context.Context, o, old *certificatesv1.CertificateSigningRequest) { o.Spec = old.Spec },
	PrepareForStatusUpdate: func(_ context.Context, o, old *certificatesv1.CertificateSigningRequest) {
		o.Status.Conditions = withDecisions(o.Status.Conditions, old.Status.Conditions)
		touch(o, old)
	},
	Fields: func(o *certificatesv1.CertificateSigningRequest) fields.Set {
		return fields.Set{"spec.signerName": o.Spec.SignerName}
	},

	Columns: columns,
	Row:     row,
}
