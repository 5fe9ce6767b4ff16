package typed

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// TestOwnersInSeveralVersions lets one manager write an autoscaler in one version and others in the other, with the published converter
// and with this one.
func TestOwnersInSeveralVersions(t *testing.T) {
	schemas, _ := schemas(t)
	published, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		t.Fatal(err)
	}
	own, err := New(schemas, scheme.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	want, got := autoscalers(t, published), autoscalers(t, own)
	if len(want) != 3 {
		t.Errorf("%d owners: %v", len(want), want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-published +own):\n%s", diff)
	}
}

func autoscalers(t *testing.T, c managedfields.TypeConverter) map[string]string {
	t.Helper()
	internal := schema.GroupVersion{Group: "autoscaling", Version: runtime.APIVersionInternal}
	var live runtime.Object = &autoscalingv2.HorizontalPodAutoscaler{}
	write := func(manager, version string, change func(runtime.Object)) {
		kind := schema.GroupVersionKind{Group: "autoscaling", Version: version, Kind: "HorizontalPodAutoscaler"}
		m, err := managedfields.NewDefaultFieldManager(c, runtime.UnsafeObjectConvertor(scheme.Scheme), scheme.Scheme, scheme.Scheme, kind, internal, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		written, err := scheme.Scheme.ConvertToVersion(live, kind.GroupVersion())
		if err != nil {
			t.Fatal(err)
		}
		change(written)
		changed, err := scheme.Scheme.ConvertToVersion(written, internal)
		if err != nil {
			t.Fatal(err)
		}
		if live, err = m.Update(live, changed, manager); err != nil {
			t.Fatal(err)
		}
	}
	few, cpu, more := int32(2), int32(50), int32(60)
	write("first", "v1", func(o runtime.Object) {
		a := o.(*autoscalingv1.HorizontalPodAutoscaler)
		a.Name = "a"
		a.Spec = autoscalingv1.HorizontalPodAutoscalerSpec{MinReplicas: &few, MaxReplicas: 3, TargetCPUUtilizationPercentage: &cpu, ScaleTargetRef: autoscalingv1.CrossVersionObjectReference{Kind: "Deployment", Name: "d"}}
	})
	write("second", "v2", func(o runtime.Object) {
		a := o.(*autoscalingv2.HorizontalPodAutoscaler)
		a.Spec.Metrics[0].Resource.Target.AverageUtilization = &more
		a.Labels = map[string]string{"a": "b"}
	})
	write("third", "v1", func(o runtime.Object) { o.(*autoscalingv1.HorizontalPodAutoscaler).Spec.MaxReplicas = 7 })
	m, err := meta.Accessor(live)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range m.GetManagedFields() {
		out[e.Manager+" "+string(e.Operation)+" "+e.APIVersion] = string(e.FieldsV1.Raw)
	}
	return out
}
