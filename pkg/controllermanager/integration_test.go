package controllermanager

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/dynamic"
)

func TestControllersOnUpstreamsAPIServer(t *testing.T) { everyController(start(t, nil)) }

func TestControllersOnOurAPIServer(t *testing.T) {
	everyController(startOurs(t))
}

func everyController(c *cluster) {
	c.in("namespace gets its default objects", func(c *cluster) {
		ns := c.namespace("defaults")
		c.eventually("root CA", func() string {
			m, err := c.admin.CoreV1().ConfigMaps(ns).Get(c.Context(), "kube-root-ca.crt", metav1.GetOptions{})
			if err == nil && m.Data["ca.crt"] == "" {
				return "empty"
			}
			return text(err)
		})
	})
	c.in("replicaset", testReplicaSet)
	c.in("replication controller", testReplicationController)
	c.in("deployment", testDeployment)
	c.in("deployment recreate", testRecreate)
	c.in("deployment deadline", testDeadline)
	c.in("endpointslice", testEndpointSlice)
	c.in("foreground deletion", testForeground)
	c.in("orphans", testOrphan)
	c.in("custom resources", testCustomOwner)
	c.in("namespace deletion", testNamespaceDeletion)
	c.in("job", testJob)
	c.in("daemonset", testDaemonSet)
	c.in("statefulset", testStatefulSet)
	c.in("disruption", testDisruption)
	c.in("cronjob", testCronJob)
	c.in("clusterrole aggregation", testClusterRole)
	c.in("endpoints", testEndpoints)
	c.in("resource quota", testQuota)
	c.in("service account token", testServiceAccountToken)
	c.in("kubelet certificates", testKubeletCertificates)
	c.in("bootstrap tokens", testBootstrapTokens)
	c.in("service range", testServiceRange)
	c.in("static binding", testStaticBinding)
	c.in("provisioning", testProvisioning)
	c.in("recycling", testRecycling)
	c.in("claim in use", testClaimInUse)
	c.in("ephemeral volume", testEphemeralVolume)
	c.in("attach and detach", testAttach)
	c.in("policy status", testPolicyStatus)
	c.in("autoscaler without measurements", testAutoscaler)
	c.in("resource claims", testResourceClaims)
	c.in("taint eviction", testTaintEviction)
	c.in("pod gc", testPodGC)
}

func (c *cluster) replicaSet(ns, app string, n int32) *appsv1.ReplicaSet {
	c.Helper()
	rs, err := c.admin.AppsV1().ReplicaSets(ns).Create(c.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: app},
		Spec:       appsv1.ReplicaSetSpec{Replicas: &n, Selector: selector(app), Template: template(app)},
	}, metav1.CreateOptions{})
	c.must(err)
	return rs
}

func testReplicaSet(c *cluster) {
	ns, sets := c.namespace("rs"), c.admin.AppsV1().ReplicaSets("rs")
	orphan := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "orphan", Labels: map[string]string{"app": "a"}}, Spec: template("a").Spec}
	_, err := c.admin.CoreV1().Pods(ns).Create(c.Context(), orphan, metav1.CreateOptions{})
	c.must(err)
	c.replicaSet(ns, "a", 5)
	status := func(ready int32) {
		c.Helper()
		c.eventually("status", func() string {
			rs, err := sets.Get(c.Context(), "a", metav1.GetOptions{})
			if err == nil && (rs.Status.ReadyReplicas != ready || rs.Status.Replicas != ready || rs.Status.AvailableReplicas != ready ||
				rs.Status.FullyLabeledReplicas != ready || rs.Status.ObservedGeneration != rs.Generation || *rs.Status.TerminatingReplicas != 0) {
				return fmt.Sprintf("%+v", rs.Status)
			}
			return text(err)
		})
	}
	status(5)
	c.podCount(ns, "app=a", 5)
	p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "orphan", metav1.GetOptions{})
	c.must(err)
	if metav1.GetControllerOf(p) == nil {
		c.Error("the orphan was not adopted")
	}
	_, err = c.admin.CoreV1().Pods(ns).Patch(c.Context(), "orphan", types.MergePatchType, []byte(`{"metadata":{"labels":{"app":"b"}}}`), metav1.PatchOptions{})
	c.must(err)
	c.podCount(ns, "app=a", 5)
	c.eventually("released", func() string {
		p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "orphan", metav1.GetOptions{})
		if err == nil && metav1.GetControllerOf(p) != nil {
			return "still owned"
		}
		return text(err)
	})
	_, err = sets.Patch(c.Context(), "a", types.MergePatchType, []byte(`{"spec":{"replicas":2}}`), metav1.PatchOptions{}, "")
	c.must(err)
	status(2)
	c.podCount(ns, "app=a", 2)
	c.must(sets.Delete(c.Context(), "a", metav1.DeleteOptions{}))
	c.podCount(ns, "app=a", 0)
	c.podCount(ns, "app=b", 1)
}

func testReplicationController(c *cluster) {
	ns := c.namespace("rc")
	n, tmpl := int32(2), template("a")
	_, err := c.admin.CoreV1().ReplicationControllers(ns).Create(c.Context(), &v1.ReplicationController{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: v1.ReplicationControllerSpec{Replicas: &n, Selector: map[string]string{"app": "a"}, Template: &tmpl}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("status", func() string {
		rc, err := c.admin.CoreV1().ReplicationControllers(ns).Get(c.Context(), "a", metav1.GetOptions{})
		if err == nil && rc.Status.AvailableReplicas != 2 {
			return fmt.Sprintf("%+v", rc.Status)
		}
		return text(err)
	})
	_, err = c.admin.CoreV1().ResourceQuotas(ns).Create(c.Context(), &v1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"},
		Spec: v1.ResourceQuotaSpec{Hard: v1.ResourceList{}}}, metav1.CreateOptions{})
	c.must(err)
}

func (c *cluster) deployment(ns, app string, n int32, change func(*appsv1.Deployment)) {
	c.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: app}, Spec: appsv1.DeploymentSpec{Replicas: &n, Selector: selector(app), Template: template(app)}}
	if change != nil {
		change(d)
	}
	_, err := c.admin.AppsV1().Deployments(ns).Create(c.Context(), d, metav1.CreateOptions{})
	c.must(err)
}

func (c *cluster) rolledOut(ns, app string, n int32, revision string) *appsv1.Deployment {
	c.Helper()
	var d *appsv1.Deployment
	c.eventually("rollout to revision "+revision, func() (answer string) {
		var err error
		d, err = c.admin.AppsV1().Deployments(ns).Get(c.Context(), app, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		s := d.Status
		if s.ObservedGeneration != d.Generation || s.UpdatedReplicas != n || s.Replicas != n || s.AvailableReplicas != n ||
			d.Annotations["deployment.kubernetes.io/revision"] != revision || s.UnavailableReplicas != 0 {
			return fmt.Sprintf("%v %+v", d.Annotations, s)
		}
		for _, cond := range s.Conditions {
			if cond.Type == appsv1.DeploymentProgressing && cond.Reason == "NewReplicaSetAvailable" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", s.Conditions)
	})
	return d
}

func (c *cluster) patchDeployment(ns, app, patch string) {
	c.Helper()
	_, err := c.admin.AppsV1().Deployments(ns).Patch(c.Context(), app, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	c.must(err)
}

func testDeployment(c *cluster) {
	ns := c.namespace("deploy")
	limit := int32(2)
	c.deployment(ns, "a", 4, func(d *appsv1.Deployment) { d.Spec.RevisionHistoryLimit = &limit })
	c.rolledOut(ns, "a", 4, "1")
	image := func(i int) string {
		return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"image:%d"}]}}}}`, i)
	}
	c.patchDeployment(ns, "a", image(2))
	c.rolledOut(ns, "a", 4, "2")
	c.patchDeployment(ns, "a", image(1)) // undo: the first ReplicaSet comes back with a new revision
	c.rolledOut(ns, "a", 4, "3")
	sets := func() []appsv1.ReplicaSet {
		l, err := c.admin.AppsV1().ReplicaSets(ns).List(c.Context(), metav1.ListOptions{})
		c.must(err)
		return l.Items
	}
	if n := len(sets()); n != 2 {
		c.Errorf("%d ReplicaSets after an undo, want 2", n)
	}
	c.patchDeployment(ns, "a", `{"spec":{"replicas":6}}`)
	c.rolledOut(ns, "a", 6, "3")
	c.patchDeployment(ns, "a", `{"spec":{"paused":true}}`)
	c.patchDeployment(ns, "a", image(3))
	c.patchDeployment(ns, "a", `{"spec":{"replicas":3}}`)
	c.podCount(ns, "app=a", 3)
	if n := len(sets()); n != 2 {
		c.Errorf("%d ReplicaSets while paused, want 2", n)
	}
	c.patchDeployment(ns, "a", `{"spec":{"paused":false}}`)
	c.rolledOut(ns, "a", 3, "4")
	c.patchDeployment(ns, "a", image(4))
	c.rolledOut(ns, "a", 3, "5")
	c.eventually("history limit", func() string {
		if n := len(sets()); n != 3 {
			return fmt.Sprintf("%d ReplicaSets", n)
		}
		return ""
	})
	c.must(c.admin.AppsV1().Deployments(ns).Delete(c.Context(), "a", metav1.DeleteOptions{}))
	c.podCount(ns, "app=a", 0)
}

func testRecreate(c *cluster) {
	ns := c.namespace("recreate")
	c.deployment(ns, "a", 2, func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType })
	c.rolledOut(ns, "a", 2, "1")
	c.patchDeployment(ns, "a", `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"image:2"}]}}}}`)
	c.rolledOut(ns, "a", 2, "2")
}

func testDeadline(c *cluster) {
	ns := c.namespace("deadline")
	seconds := int32(2)
	c.deployment(ns, "a", 1, func(d *appsv1.Deployment) {
		d.Spec.ProgressDeadlineSeconds = &seconds
		d.Spec.Template.Labels["stuck"] = "yes"
		zero := intstr.FromInt32(0)
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxUnavailable: &zero}
	})
	c.eventually("deadline", func() string {
		d, err := c.admin.AppsV1().Deployments(ns).Get(c.Context(), "a", metav1.GetOptions{})
		c.must(err)
		for _, cond := range d.Status.Conditions {
			if cond.Type == appsv1.DeploymentProgressing && cond.Status == v1.ConditionFalse && cond.Reason == "ProgressDeadlineExceeded" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", d.Status.Conditions)
	})
}

func testEndpointSlice(c *cluster) {
	ns := c.namespace("slices")
	c.replicaSet(ns, "a", 3)
	_, err := c.admin.CoreV1().Services(ns).Create(c.Context(), &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: v1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []v1.ServicePort{{Port: 80}}}}, metav1.CreateOptions{})
	c.must(err)
	ready := func(want int) {
		c.Helper()
		c.eventually("endpoints", func() string {
			l, err := c.admin.DiscoveryV1().EndpointSlices(ns).List(c.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=a"})
			c.must(err)
			n := 0
			for _, s := range l.Items {
				n += len(s.Endpoints)
			}
			if n != want {
				return fmt.Sprintf("%d endpoints, want %d", n, want)
			}
			return ""
		})
	}
	ready(3)
	_, err = c.admin.AppsV1().ReplicaSets(ns).Patch(c.Context(), "a", types.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{})
	c.must(err)
	ready(1)
	c.must(c.admin.CoreV1().Services(ns).Delete(c.Context(), "a", metav1.DeleteOptions{}))
	ready(0)
}

func testForeground(c *cluster) {
	ns := c.namespace("foreground")
	c.deployment(ns, "a", 3, nil)
	c.rolledOut(ns, "a", 3, "1")
	// A pod with a finalizer holds its ReplicaSet, and that the Deployment.
	pod := c.pods(ns, "app=a")[0].Name
	_, err := c.admin.CoreV1().Pods(ns).Patch(c.Context(), pod, types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`), metav1.PatchOptions{})
	c.must(err)
	foreground := metav1.DeletePropagationForeground
	c.must(c.admin.AppsV1().Deployments(ns).Delete(c.Context(), "a", metav1.DeleteOptions{PropagationPolicy: &foreground}))
	c.podCount(ns, "app=a", 1)
	if _, err := c.admin.AppsV1().Deployments(ns).Get(c.Context(), "a", metav1.GetOptions{}); err != nil {
		c.Errorf("the deployment must wait for the pod: %v", err)
	}
	_, err = c.admin.CoreV1().Pods(ns).Patch(c.Context(), pod, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	c.must(err)
	c.eventually("deployment gone", func() string {
		_, err := c.admin.AppsV1().Deployments(ns).Get(c.Context(), "a", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "still there " + text(err)
	})
	c.podCount(ns, "app=a", 0)
}

func testOrphan(c *cluster) {
	ns := c.namespace("orphan")
	c.replicaSet(ns, "a", 2)
	c.podCount(ns, "app=a", 2)
	orphan := metav1.DeletePropagationOrphan
	c.must(c.admin.AppsV1().ReplicaSets(ns).Delete(c.Context(), "a", metav1.DeleteOptions{PropagationPolicy: &orphan}))
	c.eventually("orphaned", func() string {
		_, err := c.admin.AppsV1().ReplicaSets(ns).Get(c.Context(), "a", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return "still there " + text(err)
		}
		for _, p := range c.pods(ns, "app=a") {
			if len(p.OwnerReferences) > 0 {
				return p.Name + " has an owner"
			}
		}
		return ""
	})
	c.podCount(ns, "app=a", 2)
}

func testCustomOwner(c *cluster) {
	ns := c.namespace("custom")
	ext, err := apiextensions.NewForConfig(c.config)
	c.must(err)
	keep := true
	_, err = ext.ApiextensionsV1().CustomResourceDefinitions().Create(c.Context(), &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "widgets.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: "example.com", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Kind: "Widget"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}}}}},
	}, metav1.CreateOptions{})
	c.must(err)
	dyn, err := dynamic.NewForConfig(c.config)
	c.must(err)
	widgets := dyn.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).Namespace(ns)
	widget := func(name string, owner *unstructured.Unstructured) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": name}}}
		if owner != nil {
			u.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Widget", Name: owner.GetName(), UID: owner.GetUID()}})
		}
		var made *unstructured.Unstructured
		c.eventually("widget "+name, func() string {
			var err error
			made, err = widgets.Create(c.Context(), u, metav1.CreateOptions{})
			return text(err)
		})
		return made
	}
	owner := widget("owner", nil)
	widget("dependent", owner)
	absent := owner.DeepCopy()
	absent.SetUID("00000000-0000-0000-0000-000000000000")
	absent.SetName("never")
	widget("dangling", absent)
	gone := func(name string) {
		c.Helper()
		c.eventually(name+" gone", func() string {
			_, err := widgets.Get(c.Context(), name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return ""
			}
			return "still there " + text(err)
		})
	}
	gone("dangling")
	if _, err := widgets.Get(c.Context(), "dependent", metav1.GetOptions{}); err != nil {
		c.Errorf("dependent of a living owner: %v", err)
	}
	c.must(widgets.Delete(c.Context(), "owner", metav1.DeleteOptions{}))
	gone("dependent")
}

func testNamespaceDeletion(c *cluster) {
	ns := c.namespace("doomed")
	c.deployment(ns, "a", 3, nil)
	c.rolledOut(ns, "a", 3, "1")
	_, err := c.admin.CoreV1().ConfigMaps(ns).Create(c.Context(), &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/hold"}}}, metav1.CreateOptions{})
	c.must(err)
	c.must(c.admin.CoreV1().Namespaces().Delete(c.Context(), ns, metav1.DeleteOptions{}))
	c.eventually("condition", func() string {
		n, err := c.admin.CoreV1().Namespaces().Get(c.Context(), ns, metav1.GetOptions{})
		c.must(err)
		for _, cond := range n.Status.Conditions {
			if cond.Type == v1.NamespaceFinalizersRemaining && cond.Status == v1.ConditionTrue {
				return ""
			}
		}
		return fmt.Sprintf("%+v", n.Status)
	})
	_, err = c.admin.CoreV1().ConfigMaps(ns).Patch(c.Context(), "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	c.must(err)
	c.eventually("namespace gone", func() string {
		n, err := c.admin.CoreV1().Namespaces().Get(c.Context(), ns, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("%+v %v", n.Status, err)
	})
}

func testTaintEviction(c *cluster) {
	ns := c.namespace("taints")
	seconds := int64(2)
	for name, tolerations := range map[string][]v1.Toleration{
		"none":    nil,
		"forever": {{Key: "k", Operator: v1.TolerationOpExists}},
		"short":   {{Key: "k", Operator: v1.TolerationOpExists, Effect: v1.TaintEffectNoExecute, TolerationSeconds: &seconds}},
	} {
		spec := template("a").Spec
		spec.Tolerations = tolerations
		_, err := c.admin.CoreV1().Pods(ns).Create(c.Context(), &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "a"}}, Spec: spec}, metav1.CreateOptions{})
		c.must(err)
	}
	c.eventually("bound", func() string {
		for _, p := range c.pods(ns, "app=a") {
			if p.Spec.NodeName == "" {
				return p.Name
			}
		}
		return ""
	})
	setTaints := func(taints string) {
		_, err := c.admin.CoreV1().Nodes().Patch(c.Context(), "node-1", types.MergePatchType, []byte(`{"spec":{"taints":`+taints+`}}`), metav1.PatchOptions{})
		c.must(err)
	}
	began := time.Now()
	setTaints(`[{"key":"k","effect":"NoExecute"}]`)
	c.podCount(ns, "app=a", 2)
	c.podCount(ns, "app=a", 1)
	if d := time.Since(began); d < 2*time.Second {
		c.Errorf("the pod left after %s, before its time", d)
	}
	setTaints(`null`)
}

func testPodGC(c *cluster) {
	ns := c.namespace("podgc")
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{"app": "a"}}, Spec: template("a").Spec}
	pod.Spec.NodeName = "lost"
	c.makeNode(c.Context(), "lost")
	_, err := c.admin.CoreV1().Pods(ns).Create(c.Context(), pod, metav1.CreateOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().Nodes().Patch(c.Context(), "lost", types.MergePatchType, []byte(`{"spec":{"taints":[{"key":"node.kubernetes.io/out-of-service","effect":"NoExecute"}]}}`), metav1.PatchOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().Nodes().Patch(c.Context(), "lost", types.StrategicMergePatchType, []byte(`{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`), metav1.PatchOptions{}, "status")
	c.must(err)
	c.podCount(ns, "app=a", 0)
}

func TestSilentNode(t *testing.T) {
	c := start(t, func(s *Settings) {
		s.NodeLifecycleController.NodeMonitorGracePeriod.Duration = 3 * time.Second
		s.NodeLifecycleController.NodeEvictionRate = 10
	})
	c.makeNode(c.Context(), "silent")
	ns := c.namespace("silent")
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: template("a").Spec}
	pod.Spec.NodeName = "silent"
	_, err := c.admin.CoreV1().Pods(ns).Create(c.Context(), pod, metav1.CreateOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().Pods(ns).Patch(c.Context(), "p", types.StrategicMergePatchType, []byte(`{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`), metav1.PatchOptions{}, "status")
	c.must(err)
	c.eventually("unreachable", func() string {
		n, err := c.admin.CoreV1().Nodes().Get(c.Context(), "silent", metav1.GetOptions{})
		c.must(err)
		effects := map[v1.TaintEffect]bool{}
		for _, taint := range n.Spec.Taints {
			if taint.Key == v1.TaintNodeUnreachable {
				effects[taint.Effect] = true
			}
		}
		if !effects[v1.TaintEffectNoExecute] || !effects[v1.TaintEffectNoSchedule] {
			return fmt.Sprintf("%+v %+v", n.Spec.Taints, n.Status.Conditions)
		}
		return ""
	})
	c.eventually("pod not ready", func() string {
		p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "p", metav1.GetOptions{})
		c.must(err)
		for _, cond := range p.Status.Conditions {
			if cond.Type == v1.PodReady && cond.Status == v1.ConditionFalse {
				return ""
			}
		}
		return fmt.Sprintf("%+v", p.Status.Conditions)
	})
	c.makeNode(c.Context(), "silent")
	c.renew(c.Context(), "silent")
	c.eventually("reachable again", func() string {
		c.renew(c.Context(), "silent")
		n, err := c.admin.CoreV1().Nodes().Get(c.Context(), "silent", metav1.GetOptions{})
		c.must(err)
		if len(n.Spec.Taints) > 0 {
			return fmt.Sprintf("%+v", n.Spec.Taints)
		}
		return ""
	})
	n, err := c.admin.CoreV1().Nodes().Get(c.Context(), "node-1", metav1.GetOptions{})
	c.must(err)
	if len(n.Spec.Taints) > 0 {
		c.Errorf("the node that renews its lease has taints: %+v", n.Spec.Taints)
	}
}
