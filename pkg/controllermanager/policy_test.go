package controllermanager

import (
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func testPolicyStatus(c *cluster) {
	policies := c.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	_, err := policies.Create(c.Context(), &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "typed"}, Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}}}}}},
		Validations: []admissionregistrationv1.Validation{{Expression: "object.spec.replicas > 1"}, {Expression: "object.spec.replicas > 'text'"}}}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("type checking", func() string {
		p, err := policies.Get(c.Context(), "typed", metav1.GetOptions{})
		c.must(err)
		t := p.Status.TypeChecking
		if p.Status.ObservedGeneration != p.Generation || t == nil || len(t.ExpressionWarnings) != 1 || t.ExpressionWarnings[0].FieldRef != "spec.validations[1].expression" ||
			!strings.Contains(t.ExpressionWarnings[0].Warning, "no matching overload") {
			return fmt.Sprintf("%+v", p.Status)
		}
		return ""
	})
	c.must(policies.Delete(c.Context(), "typed", metav1.DeleteOptions{}))
}

func testResourceClaims(c *cluster) {
	ns := c.namespace("devices")
	_, err := c.admin.ResourceV1().ResourceClaimTemplates(ns).Create(c.Context(), &resourcev1.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Name: "t"},
		Spec: resourcev1.ResourceClaimTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"l": "x"}}, Spec: resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{
			Requests: []resourcev1.DeviceRequest{{Name: "r", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "c"}}}}}}}, metav1.CreateOptions{})
	c.must(err)
	template, spec := "t", template("a").Spec
	spec.ResourceClaims = []v1.PodResourceClaim{{Name: "e", ResourceClaimTemplateName: &template}}
	_, err = c.admin.CoreV1().Pods(ns).Create(c.Context(), &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: spec}, metav1.CreateOptions{})
	c.must(err)
	var claim *resourcev1.ResourceClaim
	c.eventually("claim", func() string {
		p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "p", metav1.GetOptions{})
		c.must(err)
		if len(p.Status.ResourceClaimStatuses) != 1 || p.Status.ResourceClaimStatuses[0].ResourceClaimName == nil {
			return fmt.Sprintf("%+v", p.Status.ResourceClaimStatuses)
		}
		claim, err = c.admin.ResourceV1().ResourceClaims(ns).Get(c.Context(), *p.Status.ResourceClaimStatuses[0].ResourceClaimName, metav1.GetOptions{})
		c.must(err)
		if claim.Labels["l"] != "x" || !metav1.IsControlledBy(claim, p) || claim.Annotations["resource.kubernetes.io/pod-claim-name"] != "e" {
			return fmt.Sprintf("%+v", claim.ObjectMeta)
		}
		return ""
	})
	all, err := c.admin.ResourceV1().ResourceClaims(ns).List(c.Context(), metav1.ListOptions{})
	c.must(err)
	if len(all.Items) != 1 {
		c.Errorf("%d claims for one pod", len(all.Items))
	}
	// The part of the scheduler.
	claim.Finalizers = []string{resourcev1.Finalizer}
	claim, err = c.admin.ResourceV1().ResourceClaims(ns).Update(c.Context(), claim, metav1.UpdateOptions{})
	c.must(err)
	claim.Status.Allocation = &resourcev1.AllocationResult{}
	p, err := c.admin.CoreV1().Pods(ns).Get(c.Context(), "p", metav1.GetOptions{})
	c.must(err)
	claim.Status.ReservedFor = []resourcev1.ResourceClaimConsumerReference{{Resource: "pods", Name: "p", UID: p.UID}}
	_, err = c.admin.ResourceV1().ResourceClaims(ns).UpdateStatus(c.Context(), claim, metav1.UpdateOptions{})
	c.must(err)
	_, err = c.admin.CoreV1().Pods(ns).Patch(c.Context(), "p", types.StrategicMergePatchType, []byte(`{"status":{"phase":"Succeeded"}}`), metav1.PatchOptions{}, "status")
	c.must(err)
	c.eventually("claim gone with the end of its pod", func() string {
		r, err := c.admin.ResourceV1().ResourceClaims(ns).Get(c.Context(), claim.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("%+v %v", r, err)
	})
}

// testAutoscaler: nobody serves metrics here, so only the bounds move the target; the numbers are tested beside the code.
func testAutoscaler(c *cluster) {
	ns, least, percent := c.namespace("autoscaled"), int32(3), int32(50)
	c.deployment(ns, "a", 1, nil)
	_, err := c.admin.AutoscalingV2().HorizontalPodAutoscalers(ns).Create(c.Context(), &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "a"}, MinReplicas: &least, MaxReplicas: 5,
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: v1.ResourceCPU,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}}}}}}, metav1.CreateOptions{})
	c.must(err)
	c.podCount(ns, "app=a", 3)
	_, err = c.admin.AutoscalingV2().HorizontalPodAutoscalers(ns).Patch(c.Context(), "a", types.MergePatchType, []byte(`{"spec":{"minReplicas":2}}`), metav1.PatchOptions{})
	c.must(err)
	c.eventually("condition", func() string {
		a, err := c.admin.AutoscalingV2().HorizontalPodAutoscalers(ns).Get(c.Context(), "a", metav1.GetOptions{})
		c.must(err)
		for _, cond := range a.Status.Conditions {
			if cond.Type == autoscalingv2.ScalingActive && cond.Status == v1.ConditionFalse && cond.Reason == "FailedGetResourceMetric" && a.Status.CurrentReplicas == 3 {
				return ""
			}
		}
		return fmt.Sprintf("%+v", a.Status)
	})
	c.podCount(ns, "app=a", 3)
}
