package service

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// TestEndpoint holds that a service leads to its pods only, whatever its endpoints say.
func TestEndpoint(t *testing.T) {
	pod := func(namespace string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "p"}, Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}}}
	}
	of := func(namespace, name string) *corev1.ObjectReference {
		return &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: name}
	}
	for _, c := range []struct {
		name    string
		address corev1.EndpointAddress
		port    string
		want    string
	}{
		{"a pod", corev1.EndpointAddress{IP: "10.0.0.1", TargetRef: of("a", "p")}, "web", "10.0.0.1:80"},
		{"its other address", corev1.EndpointAddress{IP: "fd00::1", TargetRef: of("a", "p")}, "web", "[fd00::1]:80"},
		{"another port", corev1.EndpointAddress{IP: "10.0.0.1", TargetRef: of("a", "p")}, "", ""},
		{"no pod", corev1.EndpointAddress{IP: "10.0.0.1"}, "web", ""},
		{"another address than the pod's", corev1.EndpointAddress{IP: "169.254.169.254", TargetRef: of("a", "p")}, "web", ""},
		{"a pod that is gone", corev1.EndpointAddress{IP: "10.0.0.1", TargetRef: of("a", "q")}, "web", ""},
		{"a pod of another namespace", corev1.EndpointAddress{IP: "10.0.0.1", TargetRef: of("b", "p")}, "web", ""},
		{"a pod without namespace", corev1.EndpointAddress{IP: "10.0.0.1", TargetRef: of("", "p")}, "web", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "s"}}
			r := &ProxyREST{client: fake.NewClientset(pod("a"), pod("b"), &corev1.Endpoints{ObjectMeta: svc.ObjectMeta, Subsets: []corev1.EndpointSubset{
				{Addresses: []corev1.EndpointAddress{c.address}, Ports: []corev1.EndpointPort{{Name: "web", Port: 80}}},
			}})}
			got, err := r.endpoint(context.Background(), svc, "s:web", c.port)
			if got != c.want || (err != nil) != (c.want == "") || err != nil && !apierrors.IsServiceUnavailable(err) {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
	_, err := (&ProxyREST{client: fake.NewClientset()}).endpoint(context.Background(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "s"}}, "s", "")
	if !apierrors.IsNotFound(err) {
		t.Errorf("without endpoints: %v", err)
	}
}
