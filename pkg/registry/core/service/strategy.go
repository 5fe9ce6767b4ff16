package service

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/core/service"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.Service]{
	Group: "", Name: "services", Singular: "service",
	Namespaced: true,
	ShortNames: []string{"svc"},
	Categories: []string{"all"},

	CreateOnUpdate: true,

	New:     func() *corev1.Service { return &corev1.Service{} },
	NewList: func() runtime.Object { return &corev1.ServiceList{} },
	Spec:    func(o *corev1.Service) any { return &o.Spec },
	Status:  func(o *corev1.Service) any { return &o.Status },

	PrepareForCreate: func(_ context.Context, o *corev1.Service) { dropUnused(o, nil) },
	PrepareForUpdate: func(_ context.Context, o, old *corev1.Service) { dropUnused(o, old) },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,
	DeletedObject:        true,

	Fields: func(o *corev1.Service) fields.Set {
		return fields.Set{"spec.clusterIP": o.Spec.ClusterIP, "spec.type": string(o.Spec.Type)}
	},

	Columns: columns,
	Row:     row,
}

// dropUnused clears fields that belong to a type which the service no longer has, when the user did not touch them: else a
// change of type alone would be refused for fields that the server had filled in.
func dropUnused(o, old *corev1.Service) {
	if p := o.Spec.InternalTrafficPolicy; !hasClusterIP(o) && p != nil && (*p == corev1.ServiceInternalTrafficPolicyCluster || *p == corev1.ServiceInternalTrafficPolicyLocal) {
		// Nothing leads traffic of a mere name, whatever the user asks for; what there is not is refused all the same.
		o.Spec.InternalTrafficPolicy = nil
	}
	if old == nil || o.Spec.Type == old.Spec.Type {
		return
	}
	if !hasClusterIP(o) && hasClusterIP(old) {
		if sameIPs(o, old) {
			o.Spec.ClusterIP, o.Spec.ClusterIPs = "", nil
		}
		if slices.Equal(o.Spec.IPFamilies, old.Spec.IPFamilies) {
			o.Spec.IPFamilies = nil
		}
		if o.Spec.IPFamilyPolicy != nil && old.Spec.IPFamilyPolicy != nil && *o.Spec.IPFamilyPolicy == *old.Spec.IPFamilyPolicy {
			o.Spec.IPFamilyPolicy = nil
		}
	}
	if !hasNodePorts(o) && hasNodePorts(old) {
		for i := range o.Spec.Ports {
			if portIn(old, o.Spec.Ports[i].NodePort) {
				o.Spec.Ports[i].NodePort = 0
			}
		}
	}
	if !reachedFromOutside(o) && reachedFromOutside(old) && o.Spec.ExternalTrafficPolicy == old.Spec.ExternalTrafficPolicy {
		o.Spec.ExternalTrafficPolicy = ""
	}
	if !needsHealthPort(o) && needsHealthPort(old) && o.Spec.HealthCheckNodePort == old.Spec.HealthCheckNodePort {
		o.Spec.HealthCheckNodePort = 0
	}
	if o.Spec.Type != corev1.ServiceTypeLoadBalancer && old.Spec.Type == corev1.ServiceTypeLoadBalancer {
		if a, b := o.Spec.AllocateLoadBalancerNodePorts, old.Spec.AllocateLoadBalancerNodePorts; a != nil && b != nil && *a == *b {
			o.Spec.AllocateLoadBalancerNodePorts = nil
		}
		if a, b := o.Spec.LoadBalancerClass, old.Spec.LoadBalancerClass; a != nil && b != nil && *a == *b {
			o.Spec.LoadBalancerClass = nil
		}
		o.Status.LoadBalancer = corev1.LoadBalancerStatus{}
	}
}

func sameIPs(o, old *corev1.Service) bool {
	if o.Spec.ClusterIP != "" && o.Spec.ClusterIP != old.Spec.ClusterIP {
		return false
	}
	for i, ip := range o.Spec.ClusterIPs {
		if i >= len(old.Spec.ClusterIPs) || old.Spec.ClusterIPs[i] != ip {
			return false
		}
	}
	return true
}

func portIn(s *corev1.Service, port int32) bool {
	for _, p := range s.Spec.Ports {
		if p.NodePort == port && port != 0 {
			return true
		}
	}
	return false
}

func hasClusterIP(s *corev1.Service) bool { return s.Spec.Type != corev1.ServiceTypeExternalName }

func headless(s *corev1.Service) bool {
	return s.Spec.ClusterIP == corev1.ClusterIPNone || (len(s.Spec.ClusterIPs) == 1 && s.Spec.ClusterIPs[0] == corev1.ClusterIPNone)
}

func hasNodePorts(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort || s.Spec.Type == corev1.ServiceTypeLoadBalancer
}

// wantsNodePorts tells whether ports without a node port get one.
func wantsNodePorts(s *corev1.Service) bool {
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
		return s.Spec.AllocateLoadBalancerNodePorts == nil || *s.Spec.AllocateLoadBalancerNodePorts
	}
	return s.Spec.Type == corev1.ServiceTypeNodePort
}

func reachedFromOutside(s *corev1.Service) bool {
	return hasNodePorts(s) || (s.Spec.Type == corev1.ServiceTypeClusterIP && len(s.Spec.ExternalIPs) > 0)
}

func needsHealthPort(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer && s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}
