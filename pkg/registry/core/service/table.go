package service

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Type", corev1.ServiceSpec{}.SwaggerDoc()["type"]),
	table.Text("Cluster-IP", corev1.ServiceSpec{}.SwaggerDoc()["clusterIP"]),
	table.Text("External-IP", corev1.ServiceSpec{}.SwaggerDoc()["externalIPs"]),
	table.Text("Port(s)", corev1.ServiceSpec{}.SwaggerDoc()["ports"]),
	table.Age,
	table.Wide(table.Text("Selector", corev1.ServiceSpec{}.SwaggerDoc()["selector"])),
}

func row(o *corev1.Service) []any {
	ip := "<none>"
	if len(o.Spec.ClusterIPs) > 0 {
		ip = o.Spec.ClusterIPs[0]
	}
	return []any{
		o.Name, string(o.Spec.Type), ip, external(o), table.OrNone(ports(o.Spec.Ports)), table.Since(o.CreationTimestamp),
		table.OrNone(labels.FormatLabels(o.Spec.Selector)),
	}
}

func external(o *corev1.Service) string {
	switch o.Spec.Type {
	case corev1.ServiceTypeLoadBalancer:
		var list []string
		for _, in := range o.Status.LoadBalancer.Ingress {
			if in.IP != "" {
				list = append(list, in.IP)
			} else if in.Hostname != "" {
				list = append(list, in.Hostname)
			}
		}
		list = append(list, o.Spec.ExternalIPs...)
		if len(list) == 0 {
			return "<pending>"
		}
		return strings.Join(list, ",")
	case corev1.ServiceTypeExternalName:
		return o.Spec.ExternalName
	default:
		return table.Join(o.Spec.ExternalIPs)
	}
}

func ports(list []corev1.ServicePort) string {
	var out []string
	for _, p := range list {
		if p.NodePort > 0 {
			out = append(out, fmt.Sprintf("%d:%d/%s", p.Port, p.NodePort, p.Protocol))
		} else {
			out = append(out, fmt.Sprintf("%d/%s", p.Port, p.Protocol))
		}
	}
	return strings.Join(out, ",")
}
