package apiserver

import (
	"errors"
	"fmt"
	"net"
)

// smallestServiceRange is how many addresses a range of cluster IPs has at least.
const smallestServiceRange = 8

// validateServices checks what services get their addresses and ports from.
func (c *Config) validateServices() []error {
	var errs []error
	four := func(ip net.IP) bool { return ip.To4() != nil }
	ranges := c.ServiceClusterIPRanges
	switch {
	case len(ranges) > 2:
		errs = append(errs, errors.New("--service-cluster-ip-range must not contain more than two entries"))
	case len(ranges) == 2 && four(ranges[0].IP) == four(ranges[1].IP):
		errs = append(errs, errors.New("--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family"))
	}
	for i, n := range ranges {
		if ones, bits := n.Mask.Size(); bits-ones < 3 {
			which := [...]string{"primary", "secondary"}[min(i, 1)]
			errs = append(errs, fmt.Errorf("error determining service IP ranges for %s service cidr: the service cluster IP range must be at least %d IP addresses", which, smallestServiceRange))
		}
	}
	// The address of this server is an endpoint of the first service.
	if ip := c.ServerRun.AdvertiseAddress; len(errs) == 0 && len(ip) > 0 && four(ip) != four(ranges[0].IP) && c.EndpointReconciler != "none" {
		errs = append(errs, fmt.Errorf("service IP family %q must match public address family %q", ranges[0].String(), ip.String()))
	}
	nodePorts := c.ServiceNodePortRange
	if nodePorts.Base < 0 || nodePorts.Base+nodePorts.Size > 65536 {
		errs = append(errs, fmt.Errorf("--service-node-port-range %s is not within 0-65535", nodePorts.String()))
	}
	p := c.KubernetesServiceNodePort
	if p < 0 || p > 65535 {
		errs = append(errs, fmt.Errorf("--kubernetes-service-node-port %d must be between 0 and 65535, inclusive. If 0, the Kubernetes master service will be of type ClusterIP", p))
	}
	if p > 0 && !nodePorts.Contains(p) {
		errs = append(errs, fmt.Errorf("kubernetes service node port range %s doesn't contain %d", nodePorts.String(), p))
	}
	return errs
}
