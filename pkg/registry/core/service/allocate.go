package service

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// transaction is what one request has taken, and what it will give back when it succeeds.
type transaction struct {
	a *allocation

	takenIPs, freedIPs     []string
	takenPorts, freedPorts []int
	dry                    bool
}

// finish keeps or gives back what was taken.
func (t *transaction) finish(ctx context.Context, success bool) {
	if t.dry {
		return
	}
	// The request may be over; what it took must be given back all the same.
	ctx = context.WithoutCancel(ctx)
	ips, ports := t.takenIPs, t.takenPorts
	if success {
		ips, ports = t.freedIPs, t.freedPorts
	}
	t.a.ips.Release(ctx, ips...)
	for _, p := range ports {
		t.a.ports.Release(ctx, p)
	}
}

// settle gives the service its families, addresses and node ports. On an error everything taken is given back.
func (a *allocation) settle(ctx context.Context, svc, old *corev1.Service, dry bool) (*transaction, error) {
	if old != nil {
		for i := range svc.Spec.Ports {
			if p := &svc.Spec.Ports[i]; p.NodePort != 0 && twice(svc.Spec.Ports[:i], p) {
				return nil, fmt.Errorf("duplicate nodePort: {%s %d}", p.Protocol, p.NodePort)
			}
		}
	}
	t := &transaction{a: a, dry: dry}
	errs := setFamilies(svc, old, a.families)
	if len(errs) == 0 {
		errs = t.setIPs(ctx, svc, old)
	}
	if len(errs) == 0 {
		errs = t.setPorts(ctx, svc, old)
	}
	if len(errs) > 0 {
		t.finish(ctx, false)
		return nil, apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, svc.Name, errs)
	}
	return t, nil
}

func (t *transaction) setIPs(ctx context.Context, svc, old *corev1.Service) field.ErrorList {
	had := map[string]bool{}
	if old != nil && hasClusterIP(old) && !headless(old) {
		for _, ip := range old.Spec.ClusterIPs {
			had[ip] = true
		}
	}
	if !hasClusterIP(svc) || headless(svc) {
		for ip := range had {
			t.freedIPs = append(t.freedIPs, ip)
		}
		if hasClusterIP(svc) && svc.Spec.ClusterIP == "" {
			svc.Spec.ClusterIP = corev1.ClusterIPNone
		}
		return nil
	}
	kept := map[string]bool{}
	for i, family := range svc.Spec.IPFamilies {
		wanted := ""
		if i < len(svc.Spec.ClusterIPs) {
			wanted = svc.Spec.ClusterIPs[i]
		}
		if wanted != "" && old != nil && hasClusterIP(old) && i < len(old.Spec.ClusterIPs) && wanted != old.Spec.ClusterIPs[i] {
			// Addresses never change, which the rules say beside all else that is wrong; none is taken, and the old one stays.
			kept[old.Spec.ClusterIPs[i]] = true
			continue
		}
		if wanted != "" && had[wanted] {
			kept[wanted] = true
			continue
		}
		ip, err := t.a.ips.Allocate(ctx, svc, family, wanted, t.dry)
		if err != nil {
			path := field.NewPath("spec", "clusterIPs")
			if wanted == "" {
				return field.ErrorList{field.InternalError(path, err)}
			}
			return field.ErrorList{field.Invalid(path, svc.Spec.ClusterIPs, "failed to allocate IP "+wanted+": "+err.Error())}
		}
		t.takenIPs = append(t.takenIPs, ip)
		if wanted == "" {
			svc.Spec.ClusterIPs = append(svc.Spec.ClusterIPs[:i:i], ip)
		}
	}
	for ip := range had {
		if !kept[ip] {
			t.freedIPs = append(t.freedIPs, ip)
		}
	}
	if len(svc.Spec.ClusterIPs) > 0 {
		svc.Spec.ClusterIP = svc.Spec.ClusterIPs[0]
	}
	return nil
}

func (t *transaction) setPorts(ctx context.Context, svc, old *corev1.Service) field.ErrorList {
	had := map[int]bool{}
	if old != nil {
		for _, p := range nodePorts(old) {
			had[p.number] = true
		}
	}
	mine := map[int]bool{}
	if hasNodePorts(svc) {
		if errs := t.setServicePorts(ctx, svc, had, mine); len(errs) > 0 {
			return errs
		}
	}
	if needsHealthPort(svc) {
		path := field.NewPath("spec", "healthCheckNodePort")
		switch n := int(svc.Spec.HealthCheckNodePort); {
		case n != 0 && had[n]:
			mine[n] = true
		case n != 0 && old != nil && needsHealthPort(old) && old.Spec.HealthCheckNodePort != 0:
			// The port never changes, which the rules say; none is taken for it, and the old one stays.
			mine[int(old.Spec.HealthCheckNodePort)] = true
		case n != 0:
			if err := t.a.ports.Take(ctx, n, t.dry); err != nil {
				return field.ErrorList{field.Invalid(path, n, err.Error())}
			}
			t.takenPorts = append(t.takenPorts, n)
			mine[n] = true
		default:
			n, err := t.a.ports.Next(ctx, t.dry)
			if err != nil {
				return field.ErrorList{field.InternalError(path, err)}
			}
			t.takenPorts = append(t.takenPorts, n)
			svc.Spec.HealthCheckNodePort, mine[n] = int32(n), true
		}
	}
	if old != nil && !needsHealthPort(svc) && svc.Spec.HealthCheckNodePort == old.Spec.HealthCheckNodePort {
		svc.Spec.HealthCheckNodePort = 0 // what the server gave, it takes back
	}
	for n := range had {
		if !mine[n] {
			t.freedPorts = append(t.freedPorts, n)
		}
	}
	return nil
}

func (t *transaction) setServicePorts(ctx context.Context, svc *corev1.Service, had, mine map[int]bool) field.ErrorList {
	// Two protocols on one port share a node port, so the numbers asked for come first.
	byPort := map[int32]int32{}
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		n := int(p.NodePort)
		if n == 0 {
			continue
		}
		byPort[p.Port] = p.NodePort
		if twice(svc.Spec.Ports[:i], p) {
			return field.ErrorList{field.Invalid(field.NewPath("spec", "ports").Index(i).Child("nodePort"), n, "provided port is already allocated")}
		}
		if mine[n] {
			continue
		}
		if !had[n] {
			if err := t.a.ports.Take(ctx, n, t.dry); err != nil {
				return field.ErrorList{field.Invalid(field.NewPath("spec", "ports").Index(i).Child("nodePort"), n, err.Error())}
			}
			t.takenPorts = append(t.takenPorts, n)
		}
		mine[n] = true
	}
	if !wantsNodePorts(svc) {
		return nil
	}
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		if p.NodePort != 0 {
			continue
		}
		if n, ok := byPort[p.Port]; ok { // the same port of the same protocol twice is refused later
			p.NodePort = n
			continue
		}
		n, err := t.a.ports.Next(ctx, t.dry)
		if err != nil {
			return field.ErrorList{field.InternalError(field.NewPath("spec", "ports").Index(i).Child("nodePort"), err)}
		}
		t.takenPorts = append(t.takenPorts, n)
		p.NodePort, mine[n], byPort[p.Port] = int32(n), true, int32(n)
	}
	return nil
}

// twice tells whether one of the ports has the node port already, for the same protocol.
func twice(ports []corev1.ServicePort, p *corev1.ServicePort) bool {
	return slices.ContainsFunc(ports, func(o corev1.ServicePort) bool { return o.NodePort == p.NodePort && o.Protocol == p.Protocol })
}
