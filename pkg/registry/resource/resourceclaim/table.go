package resourceclaim

import (
	"strings"

	resourcev1 "k8s.io/api/resource/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("State", "A summary of the current state (allocated, pending, reserved, etc.)."),
	table.Age,
}

func row(o *resourcev1.ResourceClaim) []any {
	return []any{o.Name, state(o), table.Since(o.CreationTimestamp)}
}

func state(o *resourcev1.ResourceClaim) string {
	var states []string
	if o.DeletionTimestamp != nil {
		states = append(states, "deleted")
	}
	if o.Status.Allocation == nil {
		if o.DeletionTimestamp == nil {
			states = append(states, "pending")
		}
	} else {
		states = append(states, "allocated")
		if len(o.Status.ReservedFor) > 0 {
			states = append(states, "reserved")
		}
	}
	return strings.Join(states, ",")
}
