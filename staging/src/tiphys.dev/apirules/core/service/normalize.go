package service

import v1 "k8s.io/api/core/v1"

// NormalizeClusterIPs makes the single address and the list of addresses agree before validation: a client that knows
// only the single one sets or clears that, and the list follows. old is nil for a new service.
func NormalizeClusterIPs(obj, old *v1.Service) {
	spec := &obj.Spec
	if old == nil {
		if spec.ClusterIP != "" && len(spec.ClusterIPs) == 0 {
			spec.ClusterIPs = []string{spec.ClusterIP}
		}
		return
	}
	sameList := len(spec.ClusterIPs) == len(old.Spec.ClusterIPs)
	for i := range spec.ClusterIPs {
		sameList = sameList && spec.ClusterIPs[i] == old.Spec.ClusterIPs[i]
	}
	if !sameList {
		return // the client knows the list, and says what it means
	}
	switch {
	case old.Spec.ClusterIP != "" && spec.ClusterIP == "":
		spec.ClusterIPs = nil
	case spec.ClusterIP != old.Spec.ClusterIP:
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
}
