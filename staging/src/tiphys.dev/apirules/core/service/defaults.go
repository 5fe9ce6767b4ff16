package service

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// SetDefaults fills in what a service leaves open.
func SetDefaults(obj *v1.Service) {
	spec := &obj.Spec
	if spec.SessionAffinity == "" {
		spec.SessionAffinity = v1.ServiceAffinityNone
	}
	setAffinityConfig(spec)
	if spec.Type == "" {
		spec.Type = v1.ServiceTypeClusterIP
	}
	for i := range spec.Ports {
		p := &spec.Ports[i]
		if p.Protocol == "" {
			p.Protocol = v1.ProtocolTCP
		}
		if p.TargetPort == (intstr.IntOrString{}) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	if reachedFromOutside(spec) && spec.ExternalTrafficPolicy == "" {
		spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyCluster
	}
	if spec.InternalTrafficPolicy == nil && hasClusterIP(spec.Type) {
		cluster := v1.ServiceInternalTrafficPolicyCluster
		spec.InternalTrafficPolicy = &cluster
	}
	if spec.Type == v1.ServiceTypeLoadBalancer {
		if spec.AllocateLoadBalancerNodePorts == nil {
			yes := true
			spec.AllocateLoadBalancerNodePorts = &yes
		}
		for i := range obj.Status.LoadBalancer.Ingress {
			if in := &obj.Status.LoadBalancer.Ingress[i]; in.IP != "" && in.IPMode == nil {
				vip := v1.LoadBalancerIPModeVIP
				in.IPMode = &vip
			}
		}
	}
}

func setAffinityConfig(spec *v1.ServiceSpec) {
	if spec.SessionAffinity == v1.ServiceAffinityNone {
		spec.SessionAffinityConfig = nil
	}
	if spec.SessionAffinity != v1.ServiceAffinityClientIP {
		return
	}
	c := spec.SessionAffinityConfig
	if c == nil || c.ClientIP == nil || c.ClientIP.TimeoutSeconds == nil {
		timeout := v1.DefaultClientIPServiceAffinitySeconds
		spec.SessionAffinityConfig = &v1.SessionAffinityConfig{ClientIP: &v1.ClientIPConfig{TimeoutSeconds: &timeout}}
	}
}

func hasClusterIP(t v1.ServiceType) bool {
	return t == v1.ServiceTypeClusterIP || t == v1.ServiceTypeNodePort || t == v1.ServiceTypeLoadBalancer
}

// reachedFromOutside says whether traffic from outside the cluster can come to the service.
func reachedFromOutside(spec *v1.ServiceSpec) bool {
	return spec.Type == v1.ServiceTypeLoadBalancer || spec.Type == v1.ServiceTypeNodePort ||
		spec.Type == v1.ServiceTypeClusterIP && len(spec.ExternalIPs) > 0
}

func headless(spec *v1.ServiceSpec) bool {
	return len(spec.ClusterIPs) == 1 && spec.ClusterIPs[0] == v1.ClusterIPNone || spec.ClusterIP == v1.ClusterIPNone
}
