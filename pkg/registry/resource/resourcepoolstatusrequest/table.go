package resourcepoolstatusrequest

import (
	"fmt"
	"strconv"

	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Driver", "The driver to query pools for."),
	table.Text("Total", "Total number of devices across all pools."),
	table.Text("Available", "Number of available devices across all pools."),
	table.Text("Allocated", "Number of allocated devices across all pools."),
	table.Text("Unavailable", "Number of unavailable devices across all pools."),
	table.Text("Errors", "Number of pools with validation errors."),
	table.Number("Pools", "Total number of matching pools."),
	table.Text("Status", "Processing status."),
	table.Text("Completed", "Time since the observation completed."),
}

func row(o *resourcev1alpha3.ResourcePoolStatusRequest) []any {
	s := o.Status
	if s == nil {
		return []any{o.Name, o.Spec.Driver, "-", "-", "-", "-", "-", int64(0), "Pending", "<none>"}
	}
	count := int64(0)
	if s.PoolCount != nil {
		count = int64(*s.PoolCount)
	}
	if meta.IsStatusConditionTrue(s.Conditions, resourcev1alpha3.ResourcePoolStatusRequestConditionFailed) {
		return []any{o.Name, o.Spec.Driver, "-", "-", "-", "-", "-", count, "Failed", "<none>"}
	}
	status, completed := "Pending", "<none>"
	if c := meta.FindStatusCondition(s.Conditions, resourcev1alpha3.ResourcePoolStatusRequestConditionComplete); c != nil && c.Status == metav1.ConditionTrue {
		status, completed = "Complete", table.Since(c.LastTransitionTime)
		if n := len(s.Pools); int64(n) < count {
			status = fmt.Sprintf("Complete (%d/%d pools)", n, count)
		}
	}
	var total, available, allocated, unavailable, errors int
	for _, p := range s.Pools {
		total, available, allocated, unavailable = total+value(p.TotalDevices), available+value(p.AvailableDevices), allocated+value(p.AllocatedDevices), unavailable+value(p.UnavailableDevices)
		if p.ValidationError != nil {
			errors++
		}
	}
	return []any{
		o.Name, o.Spec.Driver, strconv.Itoa(total), strconv.Itoa(available), strconv.Itoa(allocated), strconv.Itoa(unavailable), strconv.Itoa(errors),
		count, status, completed,
	}
}

func value(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}
