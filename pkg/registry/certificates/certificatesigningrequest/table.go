package certificatesigningrequest

import (
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	"k8s.io/apimachinery/pkg/util/duration"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Age,
	table.Text("SignerName", certificatesv1beta1.CertificateSigningRequestSpec{}.SwaggerDoc()["signerName"]),
	table.Text("Requestor", certificatesv1beta1.CertificateSigningRequestSpec{}.SwaggerDoc()["request"]),
	table.Text("RequestedDuration", certificatesv1beta1.CertificateSigningRequestSpec{}.SwaggerDoc()["expirationSeconds"]),
	table.Text("Condition", certificatesv1beta1.CertificateSigningRequestStatus{}.SwaggerDoc()["conditions"]),
}

func row(o *certificatesv1.CertificateSigningRequest) []any {
	signer, lifetime := "<none>", "<none>"
	if o.Spec.SignerName != "" {
		signer = o.Spec.SignerName
	}
	if s := o.Spec.ExpirationSeconds; s != nil {
		lifetime = duration.HumanDuration(time.Duration(*s) * time.Second)
	}
	return []any{o.Name, table.Since(o.CreationTimestamp), signer, o.Spec.Username, lifetime, condition(o)}
}

func condition(o *certificatesv1.CertificateSigningRequest) string {
	var approved, denied, failed bool
	for _, c := range o.Status.Conditions {
		switch c.Type {
		case certificatesv1.CertificateApproved:
			approved = true
		case certificatesv1.CertificateDenied:
			denied = true
		case certificatesv1.CertificateFailed:
			failed = true
		}
	}
	var text string
	switch {
	case denied:
		text = "Denied"
	case approved:
		text = "Approved"
	default:
		text = "Pending"
	}
	if failed {
		text += ",Failed"
	}
	if len(o.Status.Certificate) > 0 {
		text += ",Issued"
	}
	return text
}
