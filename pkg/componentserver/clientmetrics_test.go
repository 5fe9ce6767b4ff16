package componentserver

import (
	"testing"

	clientmetrics "k8s.io/client-go/tools/metrics"
)

func TestClientMetrics(t *testing.T) {
	r := clientRegistry()
	clientmetrics.RequestResult.Increment(t.Context(), "200", "GET", "example:1")
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "rest_client_requests_total" && len(f.GetMetric()) == 1 && f.GetMetric()[0].GetCounter().GetValue() == 1 {
			return
		}
	}
	t.Errorf("the request was not counted: %v", families)
}
