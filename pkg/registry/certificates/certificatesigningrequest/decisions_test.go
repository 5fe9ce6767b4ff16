package certificatesigningrequest

import (
	"context"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// Who may write the status signs; deciding takes the approval subresource.
func TestStatusDecidesNothing(t *testing.T) {
	approved := certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateApproved, Status: "True"}
	old := &certificatesv1.CertificateSigningRequest{}
	old.Name, old.ResourceVersion = "r", "1"
	obj := old.DeepCopy()
	obj.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{approved}
	resource.PrepareForStatusUpdate(context.Background(), obj, old)
	refused := false
	for _, e := range resource.ValidateStatusUpdate(obj, old) {
		refused = refused || e.Field == "status.conditions"
	}
	if !refused {
		t.Error("the status approves")
	}

	decided := old.DeepCopy()
	decided.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{approved}
	touch(decided, old)
	again := old.DeepCopy()
	again.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{approved}
	touch(again, decided)
	if again.Status.Conditions[0] != decided.Status.Conditions[0] {
		t.Errorf("a decision sent again is another one: %v, %v", again.Status.Conditions[0], decided.Status.Conditions[0])
	}
}
