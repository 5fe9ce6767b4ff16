package daemonset

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTemplateGeneration(t *testing.T) {
	const key = appsv1.DeprecatedTemplateGeneration
	o := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{key: "7"}}}
	resource.PrepareForCreate(context.Background(), o)
	if got := o.Annotations[key]; got != "1" {
		t.Errorf("a new daemonset starts at %q, want 1", got)
	}
	for _, c := range []struct {
		name   string
		change func(*appsv1.DaemonSet)
		want   string
	}{
		{"nothing", func(*appsv1.DaemonSet) {}, "1"},
		{"annotation removed", func(o *appsv1.DaemonSet) { o.Annotations = nil }, "1"},
		{"annotation forged", func(o *appsv1.DaemonSet) { o.Annotations[key] = "9" }, "1"},
		{"template", func(o *appsv1.DaemonSet) { o.Spec.Template.Labels = map[string]string{"a": "b"} }, "2"},
		{"other spec", func(o *appsv1.DaemonSet) { o.Spec.MinReadySeconds = 5 }, "1"},
	} {
		n := o.DeepCopy()
		c.change(n)
		resource.PrepareForUpdate(context.Background(), n, o)
		if got := n.Annotations[key]; got != c.want {
			t.Errorf("%s: generation of the template is %q, want %s", c.name, got, c.want)
		}
	}
}
