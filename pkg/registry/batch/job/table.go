package job

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Status", "Status of the job."),
	table.Text("Completions", batchv1.JobStatus{}.SwaggerDoc()["succeeded"]),
	table.Text("Duration", "Time required to complete the job."),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", batchv1.JobSpec{}.SwaggerDoc()["selector"])),
}

func row(o *batchv1.Job) []any {
	names, images := table.Containers(&o.Spec.Template.Spec)
	return []any{
		o.Name, status(o), completions(o), took(o), table.Since(o.CreationTimestamp), names, images, table.Selector(o.Spec.Selector),
	}
}

func status(o *batchv1.Job) string {
	is := func(kind batchv1.JobConditionType) bool {
		for _, c := range o.Status.Conditions {
			if c.Type == kind {
				return c.Status == corev1.ConditionTrue
			}
		}
		return false
	}
	switch {
	case is(batchv1.JobComplete):
		return "Complete"
	case is(batchv1.JobFailed):
		return "Failed"
	case o.DeletionTimestamp != nil:
		return "Terminating"
	case is(batchv1.JobSuspended):
		return "Suspended"
	case is(batchv1.JobFailureTarget):
		return "FailureTarget"
	case is(batchv1.JobSuccessCriteriaMet):
		return "SuccessCriteriaMet"
	default:
		return "Running"
	}
}

func completions(o *batchv1.Job) string {
	if o.Spec.Completions != nil {
		return fmt.Sprintf("%d/%d", o.Status.Succeeded, *o.Spec.Completions)
	}
	if p := o.Spec.Parallelism; p != nil && *p > 1 {
		return fmt.Sprintf("%d/1 of %d", o.Status.Succeeded, *p)
	}
	return fmt.Sprintf("%d/1", o.Status.Succeeded)
}

func took(o *batchv1.Job) string {
	switch {
	case o.Status.StartTime == nil:
		return ""
	case o.Status.CompletionTime == nil:
		return duration.HumanDuration(time.Since(o.Status.StartTime.Time))
	default:
		return duration.HumanDuration(o.Status.CompletionTime.Sub(o.Status.StartTime.Time))
	}
}
