package service

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const kubeletPort = 10250

// Validate checks a new service.
func Validate(obj *v1.Service) field.ErrorList { return validate(obj, nil) }

func validate(obj, old *v1.Service) field.ErrorList {
	spec, path := &obj.Spec, field.NewPath("spec")
	errs := validateMeta(obj, old)
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	add(validatePorts(spec, path))
	add(validateByType(spec, path))
	if spec.Selector != nil {
		add(metavalidation.ValidateLabels(spec.Selector, path.Child("selector")))
	}
	add(validateAffinity(spec, path))
	add(ValidateClusterIPs(obj, old))
	add(validateExternalIPs(spec, old, path.Child("externalIPs")))
	add(check.RequiredOneOf(path.Child("type"), spec.Type, v1.ServiceTypeClusterIP, v1.ServiceTypeExternalName, v1.ServiceTypeLoadBalancer, v1.ServiceTypeNodePort))
	add(validateLoadBalancer(obj, old, path))
	add(validateTrafficPolicies(spec, path))
	return errs
}

// A new service's name need only be a DNS label; one from the time of stricter rules fulfils that too.
func validateMeta(obj, _ *v1.Service) field.ErrorList {
	return apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSLabel, field.NewPath("metadata"))
}

// validateByType checks what one type of service demands of other fields.
func validateByType(spec *v1.ServiceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch spec.Type {
	case v1.ServiceTypeLoadBalancer:
		for i, p := range spec.Ports {
			// The kubelet's own port must not come to the outside by accident.
			if p.Port == kubeletPort {
				errs = append(errs, field.Invalid(path.Child("ports").Index(i), p.Port, fmt.Sprintf("may not expose port %v externally since it is used by kubelet", kubeletPort)))
			}
		}
		if headless(spec) {
			errs = append(errs, field.Invalid(path.Child("clusterIPs").Index(0), v1.ClusterIPNone, "may not be set to 'None' for LoadBalancer services"))
		}
	case v1.ServiceTypeNodePort:
		if headless(spec) {
			errs = append(errs, field.Invalid(path.Child("clusterIPs").Index(0), v1.ClusterIPNone, "may not be set to 'None' for NodePort services"))
		}
	case v1.ServiceTypeExternalName:
		const why = "may not be set for ExternalName services"
		if len(spec.ClusterIPs) > 0 || spec.ClusterIP != "" {
			errs = append(errs, field.Forbidden(path.Child("clusterIPs"), why))
		}
		if len(spec.IPFamilies) > 0 {
			errs = append(errs, field.Forbidden(path.Child("ipFamilies"), why))
		}
		if spec.IPFamilyPolicy != nil {
			errs = append(errs, field.Forbidden(path.Child("ipFamilyPolicy"), why))
		}
		// A trailing dot marks a name as complete.
		name := strings.TrimSuffix(spec.ExternalName, ".")
		if name == "" {
			errs = append(errs, field.Required(path.Child("externalName"), ""))
		} else {
			errs = append(errs, check.DNSSubdomain(path.Child("externalName"), name)...)
		}
	}
	return errs
}

func validatePorts(spec *v1.ServiceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	at := path.Child("ports")
	if len(spec.Ports) == 0 && !headless(spec) && spec.Type != v1.ServiceTypeExternalName {
		errs = append(errs, field.Required(at, ""))
	}
	type key struct {
		protocol v1.Protocol
		port     int32
	}
	names, ports, nodePorts := sets.New[string](), sets.New[key](), sets.New[key]()
	for i := range spec.Ports {
		p, at := &spec.Ports[i], at.Index(i)
		errs = append(errs, validatePort(p, len(spec.Ports) > 1, headless(spec), names, at)...)
		if k := (key{p.Protocol, p.Port}); ports.Has(k) {
			errs = append(errs, field.Duplicate(at, v1.ServicePort{Protocol: p.Protocol, Port: p.Port}))
		} else {
			ports.Insert(k)
		}
		if p.NodePort == 0 {
			continue
		}
		if spec.Type == v1.ServiceTypeClusterIP {
			errs = append(errs, field.Forbidden(at.Child("nodePort"), "may not be used when `type` is 'ClusterIP'"))
		}
		if k := (key{p.Protocol, p.NodePort}); nodePorts.Has(k) {
			errs = append(errs, field.Duplicate(at.Child("nodePort"), p.NodePort))
		} else {
			nodePorts.Insert(k)
		}
	}
	return errs
}

func validatePort(p *v1.ServicePort, named, headless bool, names sets.Set[string], path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if named && p.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	} else if p.Name != "" {
		errs = append(errs, check.DNSLabel(path.Child("name"), p.Name)...)
		if names.Has(p.Name) {
			errs = append(errs, field.Duplicate(path.Child("name"), p.Name))
		}
		names.Insert(p.Name)
	}
	errs = append(errs, check.Port(path.Child("port"), p.Port)...)
	errs = append(errs, check.RequiredOneOf(path.Child("protocol"), p.Protocol, v1.ProtocolSCTP, v1.ProtocolTCP, v1.ProtocolUDP)...)
	errs = append(errs, check.PortNumberOrName(path.Child("targetPort"), p.TargetPort)...)
	if p.AppProtocol != nil {
		errs = append(errs, check.QualifiedName(path.Child("appProtocol"), *p.AppProtocol)...)
	}
	return errs
}

const longestAffinitySeconds = 86400

func validateAffinity(spec *v1.ServiceSpec, path *field.Path) field.ErrorList {
	errs := check.RequiredOneOf(path.Child("sessionAffinity"), spec.SessionAffinity, v1.ServiceAffinityClientIP, v1.ServiceAffinityNone)
	at := path.Child("sessionAffinityConfig")
	switch spec.SessionAffinity {
	case v1.ServiceAffinityClientIP:
		c := spec.SessionAffinityConfig
		if c == nil || c.ClientIP == nil || c.ClientIP.TimeoutSeconds == nil {
			return append(errs, field.Required(at, fmt.Sprintf("when session affinity type is %s", v1.ServiceAffinityClientIP)))
		}
		if n := *c.ClientIP.TimeoutSeconds; n <= 0 || n > longestAffinitySeconds {
			errs = append(errs, field.Invalid(at.Child("clientIP", "timeoutSeconds"), n, fmt.Sprintf("must be greater than 0 and less than %d", longestAffinitySeconds)))
		}
	case v1.ServiceAffinityNone:
		if spec.SessionAffinityConfig != nil {
			errs = append(errs, field.Forbidden(at, fmt.Sprintf("must not be set when session affinity is %s", v1.ServiceAffinityNone)))
		}
	}
	return errs
}

func validateExternalIPs(spec *v1.ServiceSpec, old *v1.Service, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	var known []string
	if old != nil {
		known = old.Spec.ExternalIPs
	}
	for i, ip := range spec.ExternalIPs {
		if wrong := validation.IsValidIPForLegacyField(path.Index(i), ip, true, known); len(wrong) > 0 {
			errs = append(errs, wrong...)
			continue
		}
		errs = append(errs, check.RoutableIP(path.Index(i), ip)...)
	}
	return errs
}

func validateLoadBalancer(obj, old *v1.Service, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	spec := &obj.Spec
	balanced := spec.Type == v1.ServiceTypeLoadBalancer
	const only = "may only be used when `type` is 'LoadBalancer'"
	switch {
	case balanced && spec.AllocateLoadBalancerNodePorts == nil:
		errs = append(errs, field.Required(path.Child("allocateLoadBalancerNodePorts"), ""))
	case !balanced && spec.AllocateLoadBalancerNodePorts != nil:
		errs = append(errs, field.Forbidden(path.Child("allocateLoadBalancerNodePorts"), only))
	}
	errs = append(errs, validateSourceRanges(obj, old, path)...)
	if spec.LoadBalancerClass != nil {
		if !balanced {
			errs = append(errs, field.Forbidden(path.Child("loadBalancerClass"), only))
		}
		errs = append(errs, check.QualifiedName(path.Child("loadBalancerClass"), *spec.LoadBalancerClass)...)
	}
	return errs
}

// validateSourceRanges checks who may use the load balancer, said by field or by the annotation that came before it.
func validateSourceRanges(obj, old *v1.Service, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	balanced := obj.Spec.Type == v1.ServiceTypeLoadBalancer
	annotation, annotated := obj.Annotations[v1.AnnotationLoadBalancerSourceRangesKey]
	if len(obj.Spec.LoadBalancerSourceRanges) > 0 {
		at := path.Child("LoadBalancerSourceRanges")
		if !balanced {
			errs = append(errs, field.Forbidden(at, "may only be used when `type` is 'LoadBalancer'"))
		}
		var known []string
		if old != nil {
			known = old.Spec.LoadBalancerSourceRanges
		}
		for i, cidr := range obj.Spec.LoadBalancerSourceRanges {
			errs = append(errs, validation.IsValidCIDRForLegacyField(at.Index(i), strings.TrimSpace(cidr), true, known)...)
		}
		return errs
	}
	if !annotated {
		return nil
	}
	at := field.NewPath("metadata", "annotations").Key(v1.AnnotationLoadBalancerSourceRangesKey)
	if !balanced {
		errs = append(errs, field.Forbidden(at, "may only be used when `type` is 'LoadBalancer'"))
	}
	if annotation = strings.TrimSpace(annotation); annotation == "" || old != nil && old.Annotations[v1.AnnotationLoadBalancerSourceRangesKey] == annotation {
		return errs
	}
	for cidr := range strings.SplitSeq(annotation, ",") {
		errs = append(errs, validation.IsValidCIDRForLegacyField(at, strings.TrimSpace(cidr), true, nil)...)
	}
	return errs
}

func validateTrafficPolicies(spec *v1.ServiceSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	local := spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyLocal
	at := path.Child("externalTrafficPolicy")
	if !reachedFromOutside(spec) {
		if spec.ExternalTrafficPolicy != "" {
			errs = append(errs, field.Invalid(at, spec.ExternalTrafficPolicy, "may only be set for externally-accessible services"))
		}
	} else if spec.ExternalTrafficPolicy == "" {
		errs = append(errs, field.Required(at, ""))
	} else {
		errs = append(errs, check.OneOf(at, spec.ExternalTrafficPolicy, v1.ServiceExternalTrafficPolicyCluster, v1.ServiceExternalTrafficPolicyLocal)...)
	}
	if needs := spec.Type == v1.ServiceTypeLoadBalancer && local; needs {
		if spec.HealthCheckNodePort != 0 {
			errs = append(errs, check.Port(path.Child("healthCheckNodePort"), spec.HealthCheckNodePort)...)
		}
	} else if spec.HealthCheckNodePort != 0 {
		errs = append(errs, field.Invalid(path.Child("healthCheckNodePort"), spec.HealthCheckNodePort,
			"may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
	}
	at = path.Child("internalTrafficPolicy")
	switch {
	case spec.InternalTrafficPolicy == nil && hasClusterIP(spec.Type):
		errs = append(errs, field.Required(at, ""))
	case spec.InternalTrafficPolicy != nil:
		errs = append(errs, check.OneOf(at, *spec.InternalTrafficPolicy, v1.ServiceInternalTrafficPolicyCluster, v1.ServiceInternalTrafficPolicyLocal)...)
	}
	if spec.TrafficDistribution != nil {
		errs = append(errs, check.OneOf(path.Child("trafficDistribution"), *spec.TrafficDistribution,
			v1.ServiceTrafficDistributionPreferClose, v1.ServiceTrafficDistributionPreferSameZone, v1.ServiceTrafficDistributionPreferSameNode)...)
	}
	return errs
}
