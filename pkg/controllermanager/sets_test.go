package controllermanager

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const secondImage = `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"image:2"}]}}}}`

func testDaemonSet(c *cluster) {
	ns := c.namespace("daemons")
	_, err := c.admin.AppsV1().DaemonSets(ns).Create(c.Context(), &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: appsv1.DaemonSetSpec{Selector: selector("a"), Template: template("a")}}, metav1.CreateOptions{})
	c.must(err)
	status := func(generation int64) {
		c.Helper()
		c.eventually("daemonset status", func() string {
			ds, err := c.admin.AppsV1().DaemonSets(ns).Get(c.Context(), "a", metav1.GetOptions{})
			c.must(err)
			if s := ds.Status; s.ObservedGeneration != generation || s.DesiredNumberScheduled != 1 || s.NumberAvailable != 1 || s.UpdatedNumberScheduled != 1 || s.NumberUnavailable != 0 {
				return fmt.Sprintf("%+v", s)
			}
			return ""
		})
	}
	status(1)
	before := c.pods(ns, "app=a")[0]
	_, err = c.admin.AppsV1().DaemonSets(ns).Patch(c.Context(), "a", types.StrategicMergePatchType, []byte(secondImage), metav1.PatchOptions{})
	c.must(err)
	status(2)
	after := c.pods(ns, "app=a")[0]
	if after.UID == before.UID || after.Spec.Containers[0].Image != "image:2" {
		c.Errorf("the pod was not replaced: %s %s", after.Name, after.Spec.Containers[0].Image)
	}
	_, err = c.admin.CoreV1().Pods(ns).Patch(c.Context(), after.Name, types.StrategicMergePatchType, []byte(`{"status":{"phase":"Failed"}}`), metav1.PatchOptions{}, "status")
	c.must(err)
	c.eventually("failed pod replaced", func() string {
		pods := c.pods(ns, "app=a")
		if len(pods) == 1 && pods[0].UID != after.UID {
			return ""
		}
		return fmt.Sprintf("%d pods", len(pods))
	})
	l, err := c.admin.AppsV1().ControllerRevisions(ns).List(c.Context(), metav1.ListOptions{})
	c.must(err)
	if len(l.Items) != 2 {
		c.Errorf("%d revisions, want 2", len(l.Items))
	}
	_, err = c.admin.AppsV1().DaemonSets(ns).Patch(c.Context(), "a", types.MergePatchType, []byte(`{"spec":{"template":{"spec":{"nodeSelector":{"none":"such"}}}}}`), metav1.PatchOptions{})
	c.must(err)
	c.podCount(ns, "app=a", 0)
}

func testStatefulSet(c *cluster) {
	ns := c.namespace("stateful")
	n := int32(3)
	claim := v1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: v1.PersistentVolumeClaimSpec{
		AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce},
		Resources:   v1.VolumeResourceRequirements{Requests: v1.ResourceList{v1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	_, err := c.admin.AppsV1().StatefulSets(ns).Create(c.Context(), &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: appsv1.StatefulSetSpec{Replicas: &n, Selector: selector("a"), Template: template("a"), ServiceName: "a",
			VolumeClaimTemplates: []v1.PersistentVolumeClaim{claim}}}, metav1.CreateOptions{})
	c.must(err)
	status := func(generation int64, want int32) *appsv1.StatefulSet {
		c.Helper()
		var set *appsv1.StatefulSet
		c.eventually("statefulset status", func() string {
			set, err = c.admin.AppsV1().StatefulSets(ns).Get(c.Context(), "a", metav1.GetOptions{})
			c.must(err)
			if s := set.Status; s.ObservedGeneration != generation || s.Replicas != want || s.AvailableReplicas != want || s.UpdatedReplicas != want || s.CurrentRevision != s.UpdateRevision {
				return fmt.Sprintf("%+v", s)
			}
			return ""
		})
		return set
	}
	status(1, 3)
	var last metav1.Time
	for i := range 3 {
		p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), fmt.Sprintf("a-%d", i), metav1.GetOptions{})
		c.must(err)
		if p.CreationTimestamp.Before(&last) || p.Spec.Hostname != p.Name || p.Spec.Volumes[0].PersistentVolumeClaim.ClaimName != "data-"+p.Name {
			c.Errorf("pod %s: created %s after %s; %+v", p.Name, p.CreationTimestamp, last, p.Spec)
		}
		last = p.CreationTimestamp
	}
	_, err = c.admin.AppsV1().StatefulSets(ns).Patch(c.Context(), "a", types.StrategicMergePatchType, []byte(`{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}`), metav1.PatchOptions{})
	c.must(err)
	_, err = c.admin.AppsV1().StatefulSets(ns).Patch(c.Context(), "a", types.StrategicMergePatchType, []byte(secondImage), metav1.PatchOptions{})
	c.must(err)
	image := func(i int, want string) {
		c.Helper()
		c.eventually("image", func() string {
			p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), fmt.Sprintf("a-%d", i), metav1.GetOptions{})
			if err == nil && (p.Spec.Containers[0].Image != want || p.Status.Phase != v1.PodRunning) {
				return p.Name + " has " + p.Spec.Containers[0].Image
			}
			return text(err)
		})
	}
	image(2, "image:2")
	image(1, "image:1")
	c.must(c.admin.CoreV1().Pods(ns).Delete(c.Context(), "a-0", metav1.DeleteOptions{}))
	image(0, "image:1") // below the partition: comes again with the current revision
	_, err = c.admin.AppsV1().StatefulSets(ns).Patch(c.Context(), "a", types.StrategicMergePatchType, []byte(`{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}`), metav1.PatchOptions{})
	c.must(err)
	status(4, 3)
	image(0, "image:2")
	_, err = c.admin.AppsV1().StatefulSets(ns).Patch(c.Context(), "a", types.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{})
	c.must(err)
	status(5, 1)
	if _, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "a-0", metav1.GetOptions{}); err != nil {
		c.Errorf("the lowest pod must stay: %v", err)
	}
}

func testDisruption(c *cluster) {
	ns := c.namespace("pdb")
	c.deployment(ns, "a", 3, nil)
	c.rolledOut(ns, "a", 3, "1")
	one := intstr.FromInt32(1)
	_, err := c.admin.PolicyV1().PodDisruptionBudgets(ns).Create(c.Context(), &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: policyv1.PodDisruptionBudgetSpec{Selector: selector("a"), MaxUnavailable: &one}}, metav1.CreateOptions{})
	c.must(err)
	allowed := func() {
		c.Helper()
		c.eventually("budget", func() string {
			b, err := c.admin.PolicyV1().PodDisruptionBudgets(ns).Get(c.Context(), "a", metav1.GetOptions{})
			c.must(err)
			if s := b.Status; s.DisruptionsAllowed != 1 || s.ExpectedPods != 3 || s.DesiredHealthy != 2 || s.CurrentHealthy != 3 || len(s.DisruptedPods) != 0 {
				return fmt.Sprintf("%+v", s)
			}
			return ""
		})
	}
	allowed()
	pod := c.pods(ns, "app=a")[0].Name
	c.must(c.admin.CoreV1().Pods(ns).EvictV1(c.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod}}))
	allowed()
}

func testCronJob(c *cluster) {
	ns := c.namespace("cron")
	t := template("a")
	t.Spec.RestartPolicy = v1.RestartPolicyNever
	_, err := c.admin.BatchV1().CronJobs(ns).Create(c.Context(), &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: batchv1.CronJobSpec{
		Schedule: "@every 1s", ConcurrencyPolicy: batchv1.ForbidConcurrent,
		JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: t}}}}, metav1.CreateOptions{})
	c.must(err)
	var cj *batchv1.CronJob
	c.eventually("a job", func() string {
		cj, err = c.admin.BatchV1().CronJobs(ns).Get(c.Context(), "a", metav1.GetOptions{})
		c.must(err)
		if len(cj.Status.Active) != 1 || cj.Status.LastScheduleTime == nil {
			return fmt.Sprintf("%+v", cj.Status)
		}
		return ""
	})
}

func testClusterRole(c *cluster) {
	roles := c.admin.RbacV1().ClusterRoles()
	_, err := roles.Create(c.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "sum"}, AggregationRule: &rbacv1.AggregationRule{
		ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"part": "yes"}}}}}, metav1.CreateOptions{})
	c.must(err)
	_, err = roles.Create(c.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "part", Labels: map[string]string{"part": "yes"}},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("aggregated", func() string {
		r, err := roles.Get(c.Context(), "sum", metav1.GetOptions{})
		c.must(err)
		if len(r.Rules) != 1 {
			return fmt.Sprintf("%+v", r.Rules)
		}
		return ""
	})
}
