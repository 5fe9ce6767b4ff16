package event

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Text("Last Seen", corev1.Event{}.SwaggerDoc()["lastTimestamp"]),
	table.Text("Type", corev1.Event{}.SwaggerDoc()["type"]),
	table.Text("Reason", corev1.Event{}.SwaggerDoc()["reason"]),
	table.Text("Object", corev1.Event{}.SwaggerDoc()["involvedObject"]),
	table.Wide(table.Text("Subobject", corev1.Event{}.InvolvedObject.SwaggerDoc()["fieldPath"])),
	table.Wide(table.Text("Source", corev1.Event{}.SwaggerDoc()["source"])),
	table.Text("Message", corev1.Event{}.SwaggerDoc()["message"]),
	table.Wide(table.Text("First Seen", corev1.Event{}.SwaggerDoc()["firstTimestamp"])),
	table.Wide(table.Text("Count", corev1.Event{}.SwaggerDoc()["count"])),
	table.Wide(table.Name),
}

func row(o *corev1.Event) []any {
	first := table.Since(o.FirstTimestamp)
	if o.FirstTimestamp.IsZero() {
		first = table.SinceMicro(o.EventTime)
	}
	last := table.Since(o.LastTimestamp)
	if o.LastTimestamp.IsZero() {
		last = first
	}
	count := o.Count
	if o.Series != nil {
		last, count = table.SinceMicro(o.Series.LastObservedTime), o.Series.Count
	} else if count == 0 {
		// A single event that is not counted happened once.
		count = 1
	}
	object := strings.ToLower(o.InvolvedObject.Kind) + "/" + o.InvolvedObject.Name
	return []any{
		last, o.Type, o.Reason, object, o.InvolvedObject.FieldPath, source(o), strings.TrimSpace(o.Message), first, int64(count), o.Name,
	}
}

func source(o *corev1.Event) string {
	from, host := o.Source.Component, o.Source.Host
	if from == "" {
		from, host = o.ReportingController, o.ReportingInstance
	}
	if host == "" {
		return from
	}
	return from + ", " + host
}
