package resourcequota

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
	table.Text("Limit", "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."),
	table.Age,
}

func row(o *corev1.ResourceQuota) []any {
	names := make([]string, 0, len(o.Status.Hard))
	for name := range o.Status.Hard {
		names = append(names, string(name))
	}
	slices.Sort(names)
	var requests, limits []string
	for _, n := range names {
		used, hard := o.Status.Used[corev1.ResourceName(n)], o.Status.Hard[corev1.ResourceName(n)]
		text := fmt.Sprintf("%s: %s/%s", n, used.String(), hard.String())
		if strings.HasPrefix(n, "limits") {
			limits = append(limits, text)
		} else {
			requests = append(requests, text)
		}
	}
	return []any{o.Name, strings.Join(requests, ", "), strings.Join(limits, ", "), table.Since(o.CreationTimestamp)}
}
