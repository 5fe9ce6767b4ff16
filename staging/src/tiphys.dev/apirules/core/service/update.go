package service

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

const once = "may not change once set"

// ValidateUpdate checks a change. Addresses stay while the service has addresses; the second family may come and go
// with the family policy.
func ValidateUpdate(obj, old *v1.Service) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateAddressChange(obj, old)...)
	errs = append(errs, validateClassChange(obj, old)...)
	errs = append(errs, validateHealthPortChange(obj, old)...)
	return append(errs, validate(obj, old)...)
}

func validateAddressChange(obj, old *v1.Service) field.ErrorList {
	if old.Spec.Type == v1.ServiceTypeExternalName || obj.Spec.Type == v1.ServiceTypeExternalName {
		return nil
	}
	var errs field.ErrorList
	ips, families := field.NewPath("spec", "clusterIPs"), field.NewPath("spec", "ipFamilies")
	if len(old.Spec.ClusterIPs) > 0 {
		switch {
		case len(obj.Spec.ClusterIPs) == 0:
			errs = append(errs, field.Invalid(ips.Index(0), obj.Spec.ClusterIPs, "primary clusterIP can not be unset"))
		case obj.Spec.ClusterIPs[0] != old.Spec.ClusterIPs[0]:
			errs = append(errs, field.Invalid(ips.Index(0), obj.Spec.ClusterIPs, once))
		}
	}
	if len(old.Spec.IPFamilies) > 0 {
		switch {
		case len(obj.Spec.IPFamilies) == 0:
			errs = append(errs, field.Invalid(families.Index(0), obj.Spec.IPFamilies, "primary ipFamily can not be unset"))
		case obj.Spec.IPFamilies[0] != old.Spec.IPFamilies[0]:
			errs = append(errs, field.Invalid(families.Index(0), obj.Spec.IPFamilies, once))
		}
	}
	single := obj.Spec.IPFamilyPolicy == nil || *obj.Spec.IPFamilyPolicy == v1.IPFamilyPolicySingleStack
	if len(old.Spec.ClusterIPs) == 2 {
		switch {
		case len(obj.Spec.ClusterIPs) == 1 && !single:
			errs = append(errs, field.Invalid(ips.Index(1), obj.Spec.ClusterIPs, "secondary clusterIP can only be unset if `ipFamilyPolicy` is set to 'SingleStack'"))
		case len(obj.Spec.ClusterIPs) == 2 && obj.Spec.ClusterIPs[1] != old.Spec.ClusterIPs[1]:
			errs = append(errs, field.Invalid(ips.Index(1), obj.Spec.ClusterIPs, once))
		}
	}
	if len(old.Spec.IPFamilies) == 2 {
		switch {
		case len(obj.Spec.IPFamilies) == 1 && !single:
			errs = append(errs, field.Invalid(families.Index(1), obj.Spec.IPFamilies, "secondary ipFamily can only be unset if `ipFamilyPolicy` is set to 'SingleStack'"))
		case len(obj.Spec.IPFamilies) == 2 && obj.Spec.IPFamilies[1] != old.Spec.IPFamilies[1]:
			errs = append(errs, field.Invalid(families.Index(1), obj.Spec.IPFamilies, once))
		}
	}
	return errs
}

// validateClassChange: who serves a load balancer is settled when it becomes one.
func validateClassChange(obj, old *v1.Service) field.ErrorList {
	if obj.Spec.Type != v1.ServiceTypeLoadBalancer || old.Spec.Type != v1.ServiceTypeLoadBalancer {
		return nil
	}
	return check.Immutable(field.NewPath("spec", "loadBalancerClass"), obj.Spec.LoadBalancerClass, old.Spec.LoadBalancerClass)
}

// validateHealthPortChange: load balancers were told the port on which nodes say whether they have endpoints.
func validateHealthPortChange(obj, old *v1.Service) field.ErrorList {
	if !needsHealthPort(&obj.Spec) || !needsHealthPort(&old.Spec) || obj.Spec.HealthCheckNodePort == old.Spec.HealthCheckNodePort {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec", "healthCheckNodePort"), "field is immutable")}
}

func needsHealthPort(spec *v1.ServiceSpec) bool {
	return spec.Type == v1.ServiceTypeLoadBalancer && spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyLocal
}

// ValidateStatusUpdate checks where the load balancer is found.
func ValidateStatusUpdate(obj, old *v1.Service) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("status", "loadBalancer", "ingress")
	var known []string
	for _, in := range old.Status.LoadBalancer.Ingress {
		known = append(known, in.IP)
	}
	ingress := obj.Status.LoadBalancer.Ingress
	if obj.Spec.Type != v1.ServiceTypeLoadBalancer && len(ingress) > 0 && !check.Same(ingress, old.Status.LoadBalancer.Ingress) {
		return append(errs, field.Forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
	}
	for i, in := range ingress {
		errs = append(errs, validateIngress(in, known, path.Index(i))...)
	}
	return errs
}

func validateIngress(in v1.LoadBalancerIngress, known []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if in.IP != "" {
		errs = append(errs, validation.IsValidIPForLegacyField(path.Child("ip"), in.IP, true, known)...)
	}
	modes := []v1.LoadBalancerIPMode{v1.LoadBalancerIPModeProxy, v1.LoadBalancerIPModeVIP}
	switch {
	case in.IP != "" && in.IPMode == nil:
		errs = append(errs, field.Required(path.Child("ipMode"), "must be specified when `ip` is set"))
	case in.IP == "" && in.IPMode != nil:
		errs = append(errs, field.Forbidden(path.Child("ipMode"), "may not be specified when `ip` is not set"))
	case in.IPMode != nil && !slices.Contains(modes, *in.IPMode):
		errs = append(errs, field.NotSupported(path.Child("ipMode"), *in.IPMode, modes))
	}
	if in.Hostname != "" {
		errs = append(errs, check.DNSSubdomain(path.Child("hostname"), in.Hostname)...)
		if netutils.ParseIPSloppy(in.Hostname) != nil {
			errs = append(errs, field.Invalid(path.Child("hostname"), in.Hostname, "must be a DNS name, not an IP address"))
		}
	}
	return errs
}
