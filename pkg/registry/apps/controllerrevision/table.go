package controllerrevision

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Controller", "Controller of the object"),
	table.Text("Revision", appsv1.ControllerRevision{}.SwaggerDoc()["revision"]),
	table.Age,
}

func row(o *appsv1.ControllerRevision) []any {
	controller := "<none>"
	if ref := metav1.GetControllerOf(o); ref != nil {
		group := ""
		if gv, err := schema.ParseGroupVersion(ref.APIVersion); err == nil && gv.Group != "" {
			group = "." + gv.Group
		}
		controller = strings.ToLower(ref.Kind) + group + "/" + ref.Name
	}
	return []any{o.Name, controller, o.Revision, table.Since(o.CreationTimestamp)}
}
