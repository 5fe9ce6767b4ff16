package cronjob

import (
	batchv1 "k8s.io/api/batch/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Schedule", batchv1.CronJobSpec{}.SwaggerDoc()["schedule"]),
	table.Text("Timezone", batchv1.CronJobSpec{}.SwaggerDoc()["timeZone"]),
	{Name: "Suspend", Type: "boolean", Description: batchv1.CronJobSpec{}.SwaggerDoc()["suspend"]},
	table.Number("Active", batchv1.CronJobStatus{}.SwaggerDoc()["active"]),
	table.Text("Last Schedule", batchv1.CronJobStatus{}.SwaggerDoc()["lastScheduleTime"]),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", batchv1.JobSpec{}.SwaggerDoc()["selector"])),
}

func row(o *batchv1.CronJob) []any {
	last := "<none>"
	if o.Status.LastScheduleTime != nil {
		last = table.Since(*o.Status.LastScheduleTime)
	}
	zone := "<none>"
	if o.Spec.TimeZone != nil {
		zone = *o.Spec.TimeZone
	}
	names, images := table.Containers(&o.Spec.JobTemplate.Spec.Template.Spec)
	return []any{
		o.Name, o.Spec.Schedule, zone, suspended(o.Spec.Suspend), int64(len(o.Status.Active)), last,
		table.Since(o.CreationTimestamp), names, images, table.Selector(o.Spec.JobTemplate.Spec.Selector),
	}
}

// suspended prints as upstream does: a word, though the column is of booleans.
func suspended(s *bool) string {
	switch {
	case s == nil:
		return "<unset>"
	case *s:
		return "True"
	}
	return "False"
}
