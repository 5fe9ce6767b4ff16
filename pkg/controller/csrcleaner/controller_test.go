package csrcleaner

import (
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEnd(t *testing.T) {
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	decided := created.Add(2 * time.Hour)
	for _, tc := range []struct {
		name        string
		condition   certificatesv1.RequestConditionType
		certificate string
		want        time.Duration // after the creation
	}{
		{"nobody decided", "", "", 24 * time.Hour},
		{"denied", certificatesv1.CertificateDenied, "", 3 * time.Hour},
		{"failed", certificatesv1.CertificateFailed, "", 3 * time.Hour},
		{"approved, not issued", certificatesv1.CertificateApproved, "", 24 * time.Hour},
		{"issued", certificatesv1.CertificateApproved, "x", 3 * time.Hour},
	} {
		csr := &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(created)}}
		if tc.condition != "" {
			csr.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: tc.condition, LastUpdateTime: metav1.NewTime(decided)}}
		}
		csr.Status.Certificate = []byte(tc.certificate)
		if got := end(csr).Sub(created); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
