package nodeipam

import (
	"context"
	"net/netip"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
)

// A node that changes while it is given its range is given the same one at the second try, and one that goes gives it back.
func TestSecondTryGivesTheSameRange(t *testing.T) {
	a := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	b := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}}
	client := fake.NewClientset(a, b)
	factory := informers.NewSharedInformerFactory(client, 0)
	c, err := New(Config{Client: client, Nodes: factory.Core().V1().Nodes(), Events: record.NewFakeRecorder(10),
		Ranges: []Range{{Cluster: netip.MustParsePrefix("10.244.0.0/16")}}})
	if err != nil {
		t.Fatal(err)
	}
	store := factory.Core().V1().Nodes().Informer().GetStore()
	for _, n := range []*v1.Node{a, b} {
		if err := store.Add(n); err != nil {
			t.Fatal(err)
		}
	}
	// The answers to the next patches.
	var answers []error
	client.PrependReactor("patch", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		if len(answers) == 0 {
			return false, nil, nil
		}
		err := answers[0]
		answers = answers[1:]
		return true, nil, err
	})
	conflict := apierrors.NewConflict(v1.Resource("nodes"), "a", nil)
	answers = []error{conflict, conflict}
	for range 2 {
		if err := c.Sync(context.Background(), "a"); err == nil {
			t.Fatal("a conflict is not told")
		}
	}
	given := func(name string) string {
		t.Helper()
		if err := c.Sync(context.Background(), name); err != nil {
			t.Fatal(err)
		}
		n, err := client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return n.Spec.PodCIDR
	}
	if got := given("a"); got != "10.244.0.0/24" {
		t.Errorf("a was given %s", got)
	}
	if got := given("b"); got != "10.244.1.0/24" {
		t.Errorf("b was given %s", got)
	}
	answers = []error{apierrors.NewNotFound(v1.Resource("nodes"), "gone")}
	if err := store.Add(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "gone"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Sync(context.Background(), "gone"); err != nil {
		t.Error(err)
	}
	if c.given["gone"] != nil || c.ranges[0].taken[2] != 0 {
		t.Errorf("the range of a node that is gone is kept: %v, %v", c.given, c.ranges[0].taken)
	}
}
