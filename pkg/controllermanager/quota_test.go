package controllermanager

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testQuota(c *cluster) {
	ns := c.namespace("quota")
	hard := v1.ResourceList{}
	for _, name := range []v1.ResourceName{"pods", "services", "secrets", "configmaps", "count/deployments.apps", "services.nodeports", "persistentvolumeclaims"} {
		hard[name] = resource.MustParse("10")
	}
	_, err := c.admin.CoreV1().ResourceQuotas(ns).Create(c.Context(), &v1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: v1.ResourceQuotaSpec{Hard: hard}}, metav1.CreateOptions{})
	c.must(err)
	used := func(want map[v1.ResourceName]int64) {
		c.Helper()
		c.eventually("usage", func() string {
			q, err := c.admin.CoreV1().ResourceQuotas(ns).Get(c.Context(), "q", metav1.GetOptions{})
			c.must(err)
			for name, n := range want {
				if have, ok := q.Status.Used[name]; !ok || have.Value() != n {
					return fmt.Sprintf("%s is %s, want %d", name, have.String(), n)
				}
			}
			return ""
		})
	}
	used(map[v1.ResourceName]int64{"pods": 0, "secrets": 0, "configmaps": 1, "count/deployments.apps": 0})
	_, err = c.admin.CoreV1().Secrets(ns).Create(c.Context(), &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
	c.must(err)
	c.deployment(ns, "a", 2, nil)
	used(map[v1.ResourceName]int64{"pods": 2, "secrets": 1, "count/deployments.apps": 1})
	c.must(c.admin.CoreV1().Secrets(ns).Delete(c.Context(), "s", metav1.DeleteOptions{}))
	c.must(c.admin.AppsV1().Deployments(ns).Delete(c.Context(), "a", metav1.DeleteOptions{}))
	used(map[v1.ResourceName]int64{"pods": 0, "secrets": 0, "count/deployments.apps": 0})
}

func testEndpoints(c *cluster) {
	ns := c.namespace("endpoints")
	c.replicaSet(ns, "a", 2)
	services := c.admin.CoreV1().Services(ns)
	_, err := services.Create(c.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: v1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []v1.ServicePort{{Port: 80}}}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("endpoints", func() string {
		e, err := c.admin.CoreV1().Endpoints(ns).Get(c.Context(), "a", metav1.GetOptions{})
		if err == nil && (len(e.Subsets) != 1 || len(e.Subsets[0].Addresses) != 2) {
			return fmt.Sprintf("%+v", e.Subsets)
		}
		return text(err)
	})
	c.must(services.Delete(c.Context(), "a", metav1.DeleteOptions{}))
	c.eventually("endpoints gone", func() string {
		l, err := c.admin.CoreV1().Endpoints(ns).List(c.Context(), metav1.ListOptions{})
		c.must(err)
		if len(l.Items) > 0 {
			return "still there"
		}
		return ""
	})
	_, err = services.Create(c.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "own"}, Spec: v1.ServiceSpec{Ports: []v1.ServicePort{{Port: 80}}}}, metav1.CreateOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().Endpoints(ns).Create(c.Context(), &v1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: "own"},
		Subsets: []v1.EndpointSubset{{Addresses: []v1.EndpointAddress{{IP: "10.9.9.9"}}, Ports: []v1.EndpointPort{{Port: 80}}}}}, metav1.CreateOptions{})
	c.must(err)
	mirrored := func(want int) {
		c.Helper()
		c.eventually("mirrored", func() string {
			l, err := c.admin.DiscoveryV1().EndpointSlices(ns).List(c.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=own"})
			c.must(err)
			if len(l.Items) != want {
				return fmt.Sprintf("%d slices", len(l.Items))
			}
			return ""
		})
	}
	mirrored(1)
	c.must(c.admin.CoreV1().Endpoints(ns).Delete(c.Context(), "own", metav1.DeleteOptions{}))
	mirrored(0)
}
