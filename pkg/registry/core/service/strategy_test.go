package service

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	rules "tiphys.dev/apirules/core/service"
)

// TestTrafficPolicyOfAName: a mere name keeps no traffic policy, and is refused one that there is not.
func TestTrafficPolicyOfAName(t *testing.T) {
	for _, tc := range []struct {
		name    string
		typ     corev1.ServiceType
		policy  corev1.ServiceInternalTrafficPolicy
		refused bool
		kept    bool
	}{
		{"name, Local", corev1.ServiceTypeExternalName, corev1.ServiceInternalTrafficPolicyLocal, false, false},
		{"name, Cluster", corev1.ServiceTypeExternalName, corev1.ServiceInternalTrafficPolicyCluster, false, false},
		{"name, unknown", corev1.ServiceTypeExternalName, "Odd", true, true},
		{"address, Local", corev1.ServiceTypeClusterIP, corev1.ServiceInternalTrafficPolicyLocal, false, true},
		{"address, unknown", corev1.ServiceTypeClusterIP, "Odd", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &corev1.Service{Spec: corev1.ServiceSpec{Type: tc.typ, ExternalName: "a.b", Ports: []corev1.ServicePort{{Port: 80}}, InternalTrafficPolicy: &tc.policy}}
			dropUnused(s, nil)
			if kept := s.Spec.InternalTrafficPolicy != nil; kept != tc.kept {
				t.Errorf("kept: %v", kept)
			}
			refused := false
			for _, err := range rules.Validate(s) {
				refused = refused || err.Field == "spec.internalTrafficPolicy"
			}
			if refused != tc.refused {
				t.Errorf("refused: %v", refused)
			}
		})
	}
}
