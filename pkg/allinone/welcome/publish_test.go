package welcome

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

func TestPublishKeepsWhatPeopleChanged(t *testing.T) {
	client := fake.NewClientset()
	facts := Facts{Server: "https://192.0.2.1:6443", CA: []byte("ca"),
		Kubelet: &kubelet.KubeletConfiguration{ClusterDomain: "one"}, Proxy: &kubeproxy.KubeProxyConfiguration{ClusterCIDR: "10.0.0.0/8"}}
	publish := func() {
		t.Helper()
		if err := Publish(t.Context(), client, facts); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	publish() // a second time is harmless
	kubelets := read(t, client, "kube-system", KubeletMap)
	var c kubelet.KubeletConfiguration
	if err := yaml.Unmarshal([]byte(kubelets.Data[KubeletKey]), &c); err != nil || c.ClusterDomain != "one" {
		t.Errorf("kubelet %+v, %v", c, err)
	}
	// What nobody touched follows.
	facts.Kubelet.ClusterDomain, facts.Server = "two", "https://192.0.2.2:6443"
	info := read(t, client, "kube-public", "cluster-info")
	info.Data["jws-kubeconfig-abcdef"] = "signature"
	update(t, client, info)
	before := info.Data["kubeconfig"]
	publish()
	if err := yaml.Unmarshal([]byte(read(t, client, "kube-system", KubeletMap).Data[KubeletKey]), &c); err != nil || c.ClusterDomain != "two" {
		t.Errorf("kubelet %+v, %v", c, err)
	}
	info = read(t, client, "kube-public", "cluster-info")
	if info.Data["kubeconfig"] == before || info.Data["jws-kubeconfig-abcdef"] != "signature" {
		t.Errorf("cluster-info %v", info.Data)
	}
	// What a person wrote stays.
	kubelets = read(t, client, "kube-system", KubeletMap)
	kubelets.Data[KubeletKey] = "clusterDomain: mine\n"
	update(t, client, kubelets)
	facts.Kubelet.ClusterDomain = "three"
	publish()
	if got := read(t, client, "kube-system", KubeletMap).Data[KubeletKey]; got != "clusterDomain: mine\n" {
		t.Errorf("a person's configuration was replaced by %s", got)
	}
	bindings, err := client.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(bindings.Items) != 4 {
		t.Errorf("%d bindings, %v", len(bindings.Items), err)
	}
}

func read(t *testing.T, client kubernetes.Interface, namespace, name string) *v1.ConfigMap {
	t.Helper()
	m, err := client.CoreV1().ConfigMaps(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func update(t *testing.T, client kubernetes.Interface, m *v1.ConfigMap) {
	t.Helper()
	if _, err := client.CoreV1().ConfigMaps(m.Namespace).Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
