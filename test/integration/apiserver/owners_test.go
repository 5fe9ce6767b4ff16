package apiserver

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/test/harness"
)

// TestOwnersAcrossVersions: fields keep their owner when the object is written in another version of its group, and lose it when the object,
// an event, is written in another group.
func TestOwnersAcrossVersions(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	old := schema.GroupVersionResource{Group: "autoscaling", Version: "v1", Resource: "horizontalpodautoscalers"}
	current := old.GroupResource().WithVersion("v2")
	core := schema.GroupVersionResource{Version: "v1", Resource: "events"}
	named := schema.GroupVersionResource{Group: "events.k8s.io", Version: "v1", Resource: "events"}
	const (
		label      = `{"metadata":{"labels":{"a":"b"}}}`
		autoscaler = `{"kind":"HorizontalPodAutoscaler","apiVersion":"autoscaling/v1","metadata":{"name":"a"},"spec":{"minReplicas":2,"maxReplicas":3,"targetCPUUtilizationPercentage":50,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}`
		coreEvent  = `{"kind":"Event","apiVersion":"v1","metadata":{"name":"a"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"r","type":"Normal"}`
		namedEvent = `{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"b"},"regarding":{"kind":"Pod","namespace":"default","name":"p"},"reason":"r","type":"Normal","action":"a","reportingController":"example.org/c","reportingInstance":"i","eventTime":"2026-01-01T00:00:00.000000Z"}`
	)
	for _, tc := range []struct {
		name, body, want string
		created, changed schema.GroupVersionResource
		patches          []string
	}{
		{"versions of a group", autoscaler, "autoscaling/v1 autoscaling/v2", old, current, []string{label, `{"spec":{"maxReplicas":4}}`}},
		{"groups, the core first", coreEvent, "events.k8s.io/v1", core, named, []string{label}},
		{"groups, the core last", namedEvent, "v1", named, core, []string{label}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &unstructured.Unstructured{}
			if err := json.Unmarshal([]byte(tc.body), &o.Object); err != nil {
				t.Fatal(err)
			}
			o, err := c.Dynamic().Resource(tc.created).Namespace("default").Create(t.Context(), o, metav1.CreateOptions{FieldManager: "test"})
			if err != nil {
				t.Fatal(err)
			}
			for _, patch := range tc.patches {
				if o, err = c.Dynamic().Resource(tc.changed).Namespace("default").Patch(t.Context(), o.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "test"}); err != nil {
					t.Fatal(err)
				}
			}
			var versions []string
			for _, e := range o.GetManagedFields() {
				versions = append(versions, e.APIVersion)
			}
			slices.Sort(versions)
			if got := strings.Join(versions, " "); got != tc.want {
				t.Errorf("owners in %q, want %q", got, tc.want)
			}
		})
	}
}
