package service

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
)

// Warnings tells of addresses written in ways that programs read differently, and of fields that do nothing together.
func Warnings(obj *v1.Service) []string {
	var warnings []string
	path := field.NewPath("spec")
	if headless(&obj.Spec) {
		if obj.Spec.LoadBalancerIP != "" {
			warnings = append(warnings, fmt.Sprintf("%s is ignored for headless services", path.Child("loadBalancerIP")))
		}
		if len(obj.Spec.ExternalIPs) > 0 {
			warnings = append(warnings, fmt.Sprintf("%s is ignored for headless services", path.Child("externalIPs")))
		}
		if obj.Spec.SessionAffinity != "" && obj.Spec.SessionAffinity != v1.ServiceAffinityNone {
			warnings = append(warnings, fmt.Sprintf("%s is ignored for headless services", path.Child("SessionAffinity")))
		}
	} else {
		for i, ip := range obj.Spec.ClusterIPs {
			warnings = append(warnings, ipWarnings(path.Child("clusterIPs").Index(i), ip)...)
		}
	}
	if obj.Spec.LoadBalancerIP != "" {
		warnings = append(warnings, ipWarnings(path.Child("loadBalancerIP"), obj.Spec.LoadBalancerIP)...)
	}
	for i, cidr := range obj.Spec.LoadBalancerSourceRanges {
		if _, _, err := netutils.ParseCIDRSloppy(cidr); err == nil {
			warnings = append(warnings, validation.GetWarningsForCIDR(path.Child("loadBalancerSourceRanges").Index(i), cidr)...)
		}
	}
	if len(obj.Spec.ExternalIPs) > 0 && !headless(&obj.Spec) {
		warnings = append(warnings, "spec.externalIPs is deprecated and may no longer be implemented in some clusters")
	}
	for i, ip := range obj.Spec.ExternalIPs {
		warnings = append(warnings, ipWarnings(path.Child("externalIPs").Index(i), ip)...)
	}
	if obj.Spec.Type == v1.ServiceTypeExternalName && len(obj.Spec.ExternalIPs) > 0 {
		warnings = append(warnings, fmt.Sprintf("spec.externalIPs is ignored when spec.type is %q", v1.ServiceTypeExternalName))
	}
	if obj.Spec.Type != v1.ServiceTypeExternalName && obj.Spec.ExternalName != "" {
		warnings = append(warnings, fmt.Sprintf("spec.externalName is ignored when spec.type is not %q", v1.ServiceTypeExternalName))
	}
	if d := obj.Spec.TrafficDistribution; d != nil && *d == v1.ServiceTrafficDistributionPreferClose {
		warnings = append(warnings, fmt.Sprintf("%s: deprecated in v1.35+; use %q instead", path.Child("trafficDistribution"), v1.ServiceTrafficDistributionPreferSameZone))
	}
	return warnings
}

func ipWarnings(path *field.Path, ip string) []string {
	if netutils.ParseIPSloppy(ip) == nil {
		return nil
	}
	return validation.GetWarningsForIP(path, ip)
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.Service) []string { return Warnings(obj) }
