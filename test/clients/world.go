package clients

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// world is the field manager of the stand-in.
const world = "world"

// turn plays nodes, disks and load balancers until the test ends: pods become ready, or have succeeded if they are to end; claims are
// bound; load balancers have an address.
func turn(t *testing.T, cfg *rest.Config) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactory(client, 0)
	patch := func(send func([]byte) error, status any) {
		body, err := json.Marshal(map[string]any{"status": status})
		if err == nil {
			// What was deleted meanwhile needs no status, and whatever else fails shows as a step that waits in vain.
			_ = send(body)
		}
	}
	options := metav1.PatchOptions{FieldManager: world}
	see := func(obj any) {
		switch o := obj.(type) {
		case *corev1.Pod:
			if status, due := podStatus(o); due {
				patch(func(b []byte) error {
					_, err := client.CoreV1().Pods(o.Namespace).Patch(ctx, o.Name, types.MergePatchType, b, options, "status")
					return err
				}, status)
			}
		case *corev1.PersistentVolumeClaim:
			if o.Status.Phase != corev1.ClaimBound {
				patch(func(b []byte) error {
					_, err := client.CoreV1().PersistentVolumeClaims(o.Namespace).Patch(ctx, o.Name, types.MergePatchType, b, options, "status")
					return err
				}, corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound})
			}
		case *corev1.Service:
			if o.Spec.Type == corev1.ServiceTypeLoadBalancer && len(o.Status.LoadBalancer.Ingress) == 0 {
				patch(func(b []byte) error {
					_, err := client.CoreV1().Services(o.Namespace).Patch(ctx, o.Name, types.MergePatchType, b, options, "status")
					return err
				}, corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}}})
			}
		}
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(), factory.Core().V1().PersistentVolumeClaims().Informer(), factory.Core().V1().Services().Informer(),
	} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, obj any) { see(obj) }}); err != nil {
			t.Fatal(err)
		}
	}
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
}

// podStatus is what a node would report, and whether it has yet to.
func podStatus(p *corev1.Pod) (corev1.PodStatus, bool) {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodRunning || p.DeletionTimestamp != nil || p.Labels["never"] != "" {
		return corev1.PodStatus{}, false
	}
	if p.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		return corev1.PodStatus{Phase: corev1.PodSucceeded}, true
	}
	now := metav1.Now()
	return corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now, Conditions: []corev1.PodCondition{
		{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: now},
	}}, true
}
