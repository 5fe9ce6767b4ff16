package ingress

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Class", "The name of the IngressClass resource that should be used for additional configuration"),
	table.Text("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
	table.Text("Address", "Address is a list containing ingress points for the load-balancer"),
	table.Text("Ports", "Ports of TLS configurations that open"),
	table.Age,
}

func row(o *networkingv1.Ingress) []any {
	class := "<none>"
	if o.Spec.IngressClassName != nil {
		class = *o.Spec.IngressClassName
	}
	ports := "80"
	if len(o.Spec.TLS) > 0 {
		ports = "80, 443"
	}
	return []any{o.Name, class, hosts(o.Spec.Rules), addresses(o.Status.LoadBalancer.Ingress), ports, table.Since(o.CreationTimestamp)}
}

// shown is how many hosts a row lists.
const shown = 3

func hosts(rules []networkingv1.IngressRule) string {
	var list []string
	more := 0
	for _, r := range rules {
		if r.Host == "" {
			continue
		}
		if len(list) < shown {
			list = append(list, r.Host)
		} else {
			more++
		}
	}
	switch {
	case len(list) == 0:
		return "*"
	case more > 0:
		return fmt.Sprintf("%s + %d more...", strings.Join(list, ","), more)
	default:
		return strings.Join(list, ",")
	}
}

func addresses(points []networkingv1.IngressLoadBalancerIngress) string {
	var list []string
	for _, p := range points {
		if p.IP != "" {
			list = append(list, p.IP)
		} else if p.Hostname != "" {
			list = append(list, p.Hostname)
		}
	}
	return strings.Join(list, ",")
}
