package event

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
)

// asked notes whose store is opened, and opens none.
type asked struct{ resources *[]schema.GroupResource }

var errNone = errors.New("no store")

func (a asked) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	*a.resources = append(*a.resources, resource)
	return generic.RESTOptions{}, errNone
}

// Objects that two groups serve are counted once: under the name of the core group.
func TestGroupsShareAStore(t *testing.T) {
	var resources []schema.GroupResource
	for _, group := range []string{"", "events.k8s.io"} {
		if _, err := New(asked{&resources}, group, 0); !errors.Is(err, errNone) {
			t.Fatal(err)
		}
	}
	want := schema.GroupResource{Resource: "events"}
	if len(resources) != 2 || resources[0] != want || resources[1] != want {
		t.Errorf("opened %v", resources)
	}
}

func TestSelectable(t *testing.T) {
	set := selectable(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e"}, InvolvedObject: corev1.ObjectReference{Kind: "Pod"}, ReportingController: "c", Reason: "r"})
	if set["involvedObject.kind"] != "Pod" || set["source"] != "c" || set["reason"] != "r" {
		t.Errorf("%v", set)
	}
}
