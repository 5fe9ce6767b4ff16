package service

import (
	"net"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

func familiesOf(ranges []net.IPNet) []corev1.IPFamily {
	var out []corev1.IPFamily
	for i := range ranges {
		out = append(out, familyOfIP(ranges[i].IP))
	}
	return out
}

func familyOfIP(ip net.IP) corev1.IPFamily {
	if netutils.IsIPv6(ip) {
		return corev1.IPv6Protocol
	}
	return corev1.IPv4Protocol
}

// keep copies from the stored service what the update leaves open: clients that replace a service must not have to know its
// addresses and ports.
func keep(svc, old *corev1.Service) {
	if hasClusterIP(svc) && hasClusterIP(old) {
		if svc.Spec.ClusterIP == "" {
			svc.Spec.ClusterIP = old.Spec.ClusterIP
		}
		if len(svc.Spec.ClusterIPs) == 0 && svc.Spec.ClusterIP == old.Spec.ClusterIP {
			svc.Spec.ClusterIPs = old.Spec.ClusterIPs
		}
	}
	if hasNodePorts(svc) && hasNodePorts(old) {
		type key struct {
			protocol corev1.Protocol
			port     int32
		}
		before := map[key]int32{}
		taken := map[int32]bool{}
		for _, p := range old.Spec.Ports {
			before[key{p.Protocol, p.Port}] = p.NodePort
		}
		for _, p := range svc.Spec.Ports {
			taken[p.NodePort] = true
		}
		for i := range svc.Spec.Ports {
			p := &svc.Spec.Ports[i]
			if n := before[key{p.Protocol, p.Port}]; p.NodePort == 0 && n != 0 && !taken[n] {
				p.NodePort = n
			}
		}
	}
	if needsHealthPort(svc) && needsHealthPort(old) && svc.Spec.HealthCheckNodePort == 0 {
		svc.Spec.HealthCheckNodePort = old.Spec.HealthCheckNodePort
	}
}

// normalize makes clusterIP and clusterIPs agree, for clients that know only the one field.
func normalize(svc, old *corev1.Service) {
	if old == nil {
		if svc.Spec.ClusterIP != "" && len(svc.Spec.ClusterIPs) == 0 {
			svc.Spec.ClusterIPs = []string{svc.Spec.ClusterIP}
		}
		return
	}
	if svc.Spec.ClusterIP == "" && old.Spec.ClusterIP != "" && equal(svc.Spec.ClusterIPs, old.Spec.ClusterIPs) {
		svc.Spec.ClusterIPs = nil
		return
	}
	if svc.Spec.ClusterIP != old.Spec.ClusterIP && equal(svc.Spec.ClusterIPs, old.Spec.ClusterIPs) && svc.Spec.ClusterIP != "" {
		svc.Spec.ClusterIPs = []string{svc.Spec.ClusterIP}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// setFamilies settles policy and families of a service that has cluster IPs, from what the user said, what the service had
// and what the cluster offers. See https://kubernetes.io/docs/concepts/services-networking/dual-stack/.
func setFamilies(svc, old *corev1.Service, cluster []corev1.IPFamily) field.ErrorList {
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	spec := field.NewPath("spec")
	// A headless service without a selector may have endpoints of any family, wherever the cluster itself is single-stack.
	selectorless := headless(svc) && len(svc.Spec.Selector) == 0
	if old != nil && old.Spec.Type != corev1.ServiceTypeExternalName {
		downgrade(svc, old)
	}
	if svc.Spec.IPFamilyPolicy == nil {
		switch {
		case selectorless && old != nil && headless(old) && old.Spec.IPFamilyPolicy != nil && len(svc.Spec.IPFamilies) == 0:
			// It was headless before it lost its selector, and keeps what it was given then.
			svc.Spec.IPFamilyPolicy, svc.Spec.IPFamilies = old.Spec.IPFamilyPolicy, old.Spec.IPFamilies
		case selectorless:
			svc.Spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicyRequireDualStack)
		default:
			svc.Spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack)
		}
	}
	policy := *svc.Spec.IPFamilyPolicy
	var errs field.ErrorList
	if old != nil && hasClusterIP(old) && policy != corev1.IPFamilyPolicySingleStack && len(old.Spec.IPFamilies) == 2 && len(svc.Spec.IPFamilies) == 1 {
		errs = append(errs, field.Invalid(spec.Child("ipFamilyPolicy"), policy, "must be 'SingleStack' to release the secondary IP family"))
	}
	if policy == corev1.IPFamilyPolicySingleStack {
		if len(svc.Spec.ClusterIPs) == 2 {
			errs = append(errs, field.Invalid(spec.Child("ipFamilyPolicy"), policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"))
		}
		if len(svc.Spec.IPFamilies) == 2 {
			errs = append(errs, field.Invalid(spec.Child("ipFamilyPolicy"), policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"))
		}
	}
	// Families that given addresses imply.
	for i, ip := range svc.Spec.ClusterIPs {
		if ip == corev1.ClusterIPNone {
			break
		}
		parsed := netutils.ParseIPSloppy(ip)
		if parsed == nil {
			// Validation says what is wrong with it.
			return nil
		}
		family := familyOfIP(parsed)
		if i < len(svc.Spec.IPFamilies) {
			if svc.Spec.IPFamilies[i] != family {
				return field.ErrorList{field.Invalid(spec.Child("ipFamilies").Index(i), svc.Spec.IPFamilies, "must match the family of the cluster IP "+ip)}
			}
			continue
		}
		if !has(cluster, family) {
			errs = append(errs, field.Invalid(spec.Child("clusterIPs").Index(i), svc.Spec.ClusterIPs, string(family)+" is not configured on this cluster"))
		}
		svc.Spec.IPFamilies = append(svc.Spec.IPFamilies, family)
	}
	if len(errs) > 0 {
		return errs
	}
	if !selectorless {
		if policy == corev1.IPFamilyPolicyRequireDualStack && len(cluster) < 2 {
			errs = append(errs, field.Invalid(spec.Child("ipFamilyPolicy"), policy, "this cluster is not configured for dual-stack services"))
		}
		for i, f := range svc.Spec.IPFamilies {
			if !has(cluster, f) {
				errs = append(errs, field.Invalid(spec.Child("ipFamilies").Index(i), f, "not configured on this cluster"))
			}
		}
		if len(errs) > 0 {
			return errs
		}
	}
	if len(svc.Spec.IPFamilies) == 0 {
		svc.Spec.IPFamilies = append(svc.Spec.IPFamilies, cluster[0])
	}
	dual := policy == corev1.IPFamilyPolicyRequireDualStack || (policy == corev1.IPFamilyPolicyPreferDualStack && (len(cluster) > 1 || selectorless))
	if dual && len(svc.Spec.IPFamilies) == 1 {
		svc.Spec.IPFamilies = append(svc.Spec.IPFamilies, other(svc.Spec.IPFamilies[0]))
	}
	return nil
}

// downgrade drops the second family when the user asks for a single stack and leaves the rest as it was.
func downgrade(svc, old *corev1.Service) {
	if svc.Spec.IPFamilyPolicy == nil || *svc.Spec.IPFamilyPolicy != corev1.IPFamilyPolicySingleStack {
		return
	}
	if old.Spec.IPFamilyPolicy == nil || *old.Spec.IPFamilyPolicy == corev1.IPFamilyPolicySingleStack {
		return
	}
	if len(svc.Spec.ClusterIPs) == 2 && equal(svc.Spec.ClusterIPs, old.Spec.ClusterIPs) {
		svc.Spec.ClusterIPs = svc.Spec.ClusterIPs[:1]
	}
	if len(svc.Spec.IPFamilies) == 2 && len(old.Spec.IPFamilies) == 2 && svc.Spec.IPFamilies[0] == old.Spec.IPFamilies[0] && svc.Spec.IPFamilies[1] == old.Spec.IPFamilies[1] {
		svc.Spec.IPFamilies = svc.Spec.IPFamilies[:1]
	}
}

func has(list []corev1.IPFamily, f corev1.IPFamily) bool {
	for _, x := range list {
		if x == f {
			return true
		}
	}
	return false
}

func other(f corev1.IPFamily) corev1.IPFamily {
	if f == corev1.IPv4Protocol {
		return corev1.IPv6Protocol
	}
	return corev1.IPv4Protocol
}

// decorate fills in the family fields of services that were stored before there were any.
func decorate(cluster []corev1.IPFamily) func(runtime.Object) {
	one := func(s *corev1.Service) {
		if s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0 {
			s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
		}
		if !hasClusterIP(s) || s.Spec.IPFamilyPolicy != nil || len(s.Spec.ClusterIPs) == 0 {
			return
		}
		s.Spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack)
		if headless(s) {
			s.Spec.IPFamilies = []corev1.IPFamily{cluster[0]}
			return
		}
		s.Spec.IPFamilies = []corev1.IPFamily{familyOfIP(netutils.ParseIPSloppy(s.Spec.ClusterIPs[0]))}
	}
	return func(obj runtime.Object) {
		switch o := obj.(type) {
		case *corev1.Service:
			one(o)
		case *corev1.ServiceList:
			for i := range o.Items {
				one(&o.Items[i])
			}
		}
	}
}
