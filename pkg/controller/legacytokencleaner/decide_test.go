package legacytokencleaner

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	const period = 30 * 24 * time.Hour
	for _, tc := range []struct {
		name    string
		created string
		labels  map[string]string
		want    action
	}{
		{"young and never used", "2026-06-20", nil, keep},
		{"old and never used", "2026-01-01", nil, invalidate},
		{"used lately", "2026-01-01", map[string]string{LastUsedLabel: "2026-06-20"}, keep},
		{"used the last day that counts", "2026-01-01", map[string]string{LastUsedLabel: "2026-05-31"}, keep},
		{"used long ago", "2026-01-01", map[string]string{LastUsedLabel: "2026-05-29"}, invalidate},
		{"invalid for a while", "2026-01-01", map[string]string{LastUsedLabel: "2026-02-01", InvalidSinceLabel: "2026-06-20"}, keep},
		{"invalid for the period", "2026-01-01", map[string]string{LastUsedLabel: "2026-02-01", InvalidSinceLabel: "2026-05-01"}, remove},
		{"a mark that is no date is made anew", "2026-01-01", map[string]string{InvalidSinceLabel: "yes"}, invalidate},
		{"a use that is no date is left alone", "2026-01-01", map[string]string{LastUsedLabel: "often"}, keep},
	} {
		created, err := time.Parse(day, tc.created)
		if err != nil {
			t.Fatal(err)
		}
		s := &v1.Secret{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(created), Labels: tc.labels}}
		if got := decide(s, now, period); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
