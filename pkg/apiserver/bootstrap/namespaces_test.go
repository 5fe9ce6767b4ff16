package bootstrap

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// TestSystemNamespacesComeBack: a deleted one is created again without a restart of the server.
func TestSystemNamespacesComeBack(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := fake.NewClientset()
	factory := informers.NewSharedInformerFactory(client, 0)
	namespaces := factory.Core().V1().Namespaces()
	namespaces.Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := SystemNamespaces(ctx, client, namespaces); err != nil {
		t.Fatal(err)
	}
	for _, name := range Namespaces {
		if _, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); err != nil {
			t.Errorf("after the start: %v", err)
		}
	}
	events, err := client.CoreV1().Namespaces().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	if err := client.CoreV1().Namespaces().Delete(ctx, "kube-node-lease", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for e := range events.ResultChan() {
		if o, ok := e.Object.(metav1.Object); ok && e.Type == watch.Added && o.GetName() == "kube-node-lease" {
			return
		}
	}
	t.Error("the namespace did not come back")
}
