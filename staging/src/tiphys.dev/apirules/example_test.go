package apirules_test

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/apirules"
	"tiphys.dev/apirules/core/pod"
	"tiphys.dev/apirules/core/podspec"
	"tiphys.dev/apirules/core/service"
)

// One kind, known at compile time: what an API server fills in, and what it refuses.
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

// Any kind, known at run time: what a tool in CI does with a manifest.
func ExampleLookup() {
	manifest := []byte(`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generateName": "web-"}, "spec": {
		"replicas": -1, "selector": {"matchLabels": {"app": "web"}}, "template": {
			"metadata": {"labels": {"app": "other"}}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}}}`)
	var meta metav1.TypeMeta
	if err := json.Unmarshal(manifest, &meta); err != nil {
		panic(err)
	}
	kind, known := apirules.Lookup(schema.FromAPIVersionAndKind(meta.APIVersion, meta.Kind))
	if !known {
		panic("no standard kind")
	}
	obj := kind.New()
	if err := json.Unmarshal(manifest, obj); err != nil {
		panic(err)
	}
	kind.SetDefaults(obj)
	kind.PrepareForCreate(obj)
	for _, e := range kind.ValidateCreate(obj) {
		fmt.Println(e.Type, e.Field)
	}
	// Output:
	// Invalid value spec.replicas
	// Invalid value spec.template.metadata.labels
}

// A change: what an operator may do to an object that is there.
func ExampleKind_ValidateUpdate() {
	kind, _ := apirules.Lookup(corev1.SchemeGroupVersion.WithKind("Service"))
	old := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", ResourceVersion: "7"},
		Spec:       corev1.ServiceSpec{ClusterIP: "10.96.0.20", ClusterIPs: []string{"10.96.0.20"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	kind.SetDefaults(old)
	changed := old.DeepCopy()
	changed.Spec.ClusterIP = "10.96.0.21"
	service.NormalizeClusterIPs(changed, old)
	for _, e := range kind.ValidateUpdate(changed, old) {
		fmt.Println(e.Type, e.Field)
	}
	// Output:
	// Invalid value spec.clusterIPs[0]
}

// Warnings come with an object that is accepted.
func ExampleKind_Warnings() {
	kind, _ := apirules.Lookup(corev1.SchemeGroupVersion.WithKind("Pod"))
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"beta.kubernetes.io/os": "linux"},
			Containers:   []corev1.Container{{Name: "web", Image: "nginx"}},
		},
	}
	kind.SetDefaults(p)
	kind.PrepareForCreate(p)
	if errs := kind.ValidateCreate(p); len(errs) == 0 {
		fmt.Println(kind.Warnings(p))
	}
	// Output:
	// [spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead]
}

// Defaults for a scheme, such as that of a controller's fake client: objects decoded with it are as a server returns them.
func ExampleAddDefaults() {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		panic(err)
	}
	apirules.AddDefaults(scheme)
	s := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	scheme.Default(s)
	fmt.Println(s.Spec.Type, s.Spec.SessionAffinity, s.Spec.Ports[0].Protocol, s.Spec.Ports[0].TargetPort.String())
	// Output:
	// ClusterIP None TCP 80
}

// Part of an object: an operator that lets its users write pod templates can judge them in its own webhook.
func Example_template() {
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "app", Image: "app", ImagePullPolicy: "Sometimes"}},
	}}
	podspec.SetTemplateDefaults(template)
	for _, e := range podspec.ValidateTemplate(template, nil, podspec.Options{}) {
		fmt.Println(e.Field)
	}
	// Output:
	// spec.containers[0].imagePullPolicy
}
