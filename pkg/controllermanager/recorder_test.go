package controllermanager

import (
	"testing"
	"testing/synctest"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// TestRecorderStartsWithTheFirstEvent tells one event, and one after the end.
func TestRecorderStartsWithTheFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		r := &recorder{source: v1.EventSource{Component: "job-controller"},
			sink: &typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")}}
		if r.broadcaster != nil {
			t.Error("started without an event")
		}
		pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}
		r.Eventf(pod, v1.EventTypeNormal, "Tested", "the %s time", "first")
		synctest.Wait()
		r.end()
		r.Event(pod, v1.EventTypeNormal, "Tested", "after the end")
		synctest.Wait()
		told, err := client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(told.Items) != 1 || told.Items[0].Message != "the first time" || told.Items[0].Source.Component != "job-controller" {
			t.Errorf("events: %+v", told.Items)
		}
	})
}
