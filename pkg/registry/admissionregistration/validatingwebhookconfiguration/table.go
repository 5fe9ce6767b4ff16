package validatingwebhookconfiguration

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration"),
	table.Age,
}

func row(o *admissionregistrationv1.ValidatingWebhookConfiguration) []any {
	return []any{o.Name, int64(len(o.Webhooks)), table.Since(o.CreationTimestamp)}
}
