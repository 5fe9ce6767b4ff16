package apirules_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/apirules/core/pod"
)

func Example() {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name:  "Main",
			Image: "nginx",
			Ports: []corev1.ContainerPort{{ContainerPort: 70000}},
		}}},
	}
	pod.SetDefaults(p)
	fmt.Println(p.Spec.Containers[0].ImagePullPolicy, p.Spec.RestartPolicy)
	for _, e := range pod.Validate(p) {
		fmt.Println(e.Type, e.Field)
	}
	// Output:
	// Always Always
	// Invalid value spec.containers[0].name
	// Invalid value spec.containers[0].ports[0].containerPort
}
