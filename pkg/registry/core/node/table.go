package node

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Status", "The status of the node"),
	table.Text("Roles", "The roles of the node"),
	table.Age,
	table.Text("Version", corev1.NodeSystemInfo{}.SwaggerDoc()["kubeletVersion"]),
	table.Wide(table.Text("Internal-IP", corev1.NodeStatus{}.SwaggerDoc()["addresses"])),
	table.Wide(table.Text("External-IP", corev1.NodeStatus{}.SwaggerDoc()["addresses"])),
	table.Wide(table.Text("OS-Image", corev1.NodeSystemInfo{}.SwaggerDoc()["osImage"])),
	table.Wide(table.Text("Kernel-Version", corev1.NodeSystemInfo{}.SwaggerDoc()["kernelVersion"])),
	table.Wide(table.Text("Container-Runtime", corev1.NodeSystemInfo{}.SwaggerDoc()["containerRuntimeVersion"])),
}

func row(o *corev1.Node) []any {
	info := o.Status.NodeInfo
	return []any{
		o.Name, status(o), table.Join(roles(o)), table.Since(o.CreationTimestamp), info.KubeletVersion,
		address(o, corev1.NodeInternalIP), address(o, corev1.NodeExternalIP),
		unknown(info.OSImage), kernel(info), unknown(info.ContainerRuntimeVersion),
	}
}

func status(o *corev1.Node) string {
	parts := []string{"Unknown"}
	for _, c := range o.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if c.Status == corev1.ConditionTrue {
			parts[0] = "Ready"
		} else {
			parts[0] = "NotReady"
		}
	}
	if o.Spec.Unschedulable {
		parts = append(parts, "SchedulingDisabled")
	}
	return strings.Join(parts, ",")
}

const (
	rolePrefix = "node-role.kubernetes.io/"
	roleLabel  = "kubernetes.io/role"
)

func roles(o *corev1.Node) []string {
	var out []string
	for k, v := range o.Labels {
		if role, ok := strings.CutPrefix(k, rolePrefix); ok && role != "" {
			out = append(out, role)
		} else if k == roleLabel && v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func address(o *corev1.Node, kind corev1.NodeAddressType) string {
	for _, a := range o.Status.Addresses {
		if a.Type == kind {
			return a.Address
		}
	}
	return "<none>"
}

func unknown(s string) string {
	if s == "" {
		return "<unknown>"
	}
	return s
}

// kernel is the version with the machine's kind, where the node tells that.
func kernel(info corev1.NodeSystemInfo) string {
	if info.KernelVersion == "" || info.Architecture == "" {
		return unknown(info.KernelVersion)
	}
	return info.KernelVersion + " (" + info.Architecture + ")"
}
