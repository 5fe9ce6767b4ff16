package controllermanager

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func (c *cluster) job(ns, name string, change func(*batchv1.JobSpec)) {
	c.Helper()
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{Template: template(name)}}
	j.Spec.Template.Spec.RestartPolicy = v1.RestartPolicyNever
	change(&j.Spec)
	_, err := c.admin.BatchV1().Jobs(ns).Create(c.Context(), j, metav1.CreateOptions{})
	c.must(err)
}

// finish gives running pods of the job their end, chosen by the function.
func (c *cluster) finish(ns, name string, phase func(*v1.Pod) v1.PodPhase) {
	for _, p := range c.pods(ns, "app="+name) {
		if p.Status.Phase != v1.PodRunning {
			continue
		}
		if want := phase(&p); want != "" {
			_, _ = c.admin.CoreV1().Pods(ns).Patch(c.Context(), p.Name, types.StrategicMergePatchType,
				[]byte(fmt.Sprintf(`{"status":{"phase":%q}}`, want)), metav1.PatchOptions{}, "status")
		}
	}
}

// jobEnds finishes pods until the job has the condition.
func (c *cluster) jobEnds(ns, name string, kind batchv1.JobConditionType, reason string, phase func(*v1.Pod) v1.PodPhase) batchv1.JobStatus {
	c.Helper()
	var s batchv1.JobStatus
	c.eventually("job "+name, func() string {
		c.finish(ns, name, phase)
		j, err := c.admin.BatchV1().Jobs(ns).Get(c.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		s = j.Status
		for _, cond := range s.Conditions {
			if cond.Type == kind && cond.Reason == reason && cond.Status == v1.ConditionTrue {
				return ""
			}
		}
		return fmt.Sprintf("%+v", s)
	})
	for _, p := range c.pods(ns, "app="+name) {
		if p.Status.Phase != v1.PodSucceeded && p.Status.Phase != v1.PodFailed {
			c.Errorf("pod %s of the finished job is %s", p.Name, p.Status.Phase)
		}
	}
	return s
}

func succeed(*v1.Pod) v1.PodPhase { return v1.PodSucceeded }
func fail(*v1.Pod) v1.PodPhase    { return v1.PodFailed }

func testJob(c *cluster) {
	ns := c.namespace("jobs")
	number := func(n int32) *int32 { return &n }
	c.job(ns, "plain", func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = number(5), number(2) })
	if s := c.jobEnds(ns, "plain", batchv1.JobComplete, batchv1.JobReasonCompletionsReached, succeed); s.Succeeded != 5 || s.Failed != 0 || s.CompletionTime == nil {
		c.Errorf("plain: %+v", s)
	}
	indexed := batchv1.IndexedCompletion
	c.job(ns, "indexed", func(s *batchv1.JobSpec) {
		s.Completions, s.Parallelism, s.CompletionMode = number(4), number(4), &indexed
	})
	if s := c.jobEnds(ns, "indexed", batchv1.JobComplete, batchv1.JobReasonCompletionsReached, succeed); s.CompletedIndexes != "0-3" {
		c.Errorf("indexed: %+v", s)
	}
	c.job(ns, "failing", func(s *batchv1.JobSpec) { s.BackoffLimit = number(0) })
	if s := c.jobEnds(ns, "failing", batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded, fail); s.Failed != 1 {
		c.Errorf("failing: %+v", s)
	}
	seconds := int64(1)
	c.job(ns, "late", func(s *batchv1.JobSpec) { s.ActiveDeadlineSeconds = &seconds })
	c.jobEnds(ns, "late", batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded, func(*v1.Pod) v1.PodPhase { return "" })
	c.job(ns, "perindex", func(s *batchv1.JobSpec) {
		s.Completions, s.Parallelism, s.CompletionMode, s.BackoffLimitPerIndex = number(3), number(3), &indexed, number(0)
	})
	odd := func(p *v1.Pod) v1.PodPhase {
		if p.Annotations[batchv1.JobCompletionIndexAnnotation] == "1" {
			return v1.PodFailed
		}
		return v1.PodSucceeded
	}
	if s := c.jobEnds(ns, "perindex", batchv1.JobFailed, batchv1.JobReasonFailedIndexes, odd); s.CompletedIndexes != "0,2" || s.FailedIndexes == nil || *s.FailedIndexes != "1" {
		c.Errorf("perindex: %+v", s)
	}
	c.job(ns, "success", func(s *batchv1.JobSpec) {
		s.Completions, s.Parallelism, s.CompletionMode = number(3), number(3), &indexed
		leader := "0"
		s.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{{SucceededIndexes: &leader}}}
	})
	c.jobEnds(ns, "success", batchv1.JobComplete, batchv1.JobReasonSuccessPolicy, func(p *v1.Pod) v1.PodPhase {
		if p.Annotations[batchv1.JobCompletionIndexAnnotation] == "0" {
			return v1.PodSucceeded
		}
		return ""
	})
	testSuspend(c, ns)
	zero := int32(0)
	c.job(ns, "ttl", func(s *batchv1.JobSpec) { s.TTLSecondsAfterFinished = &zero })
	c.eventually("ttl", func() string {
		c.finish(ns, "ttl", succeed)
		_, err := c.admin.BatchV1().Jobs(ns).Get(c.Context(), "ttl", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return "still there " + text(err)
	})
	c.podCount(ns, "app=ttl", 0)
}

func testSuspend(c *cluster, ns string) {
	yes := true
	c.job(ns, "suspended", func(s *batchv1.JobSpec) { s.Suspend = &yes })
	status := func(want v1.ConditionStatus) {
		c.Helper()
		c.eventually("suspended", func() string {
			j, err := c.admin.BatchV1().Jobs(ns).Get(c.Context(), "suspended", metav1.GetOptions{})
			c.must(err)
			for _, cond := range j.Status.Conditions {
				if cond.Type == batchv1.JobSuspended && cond.Status == want {
					return ""
				}
			}
			return fmt.Sprintf("%+v", j.Status)
		})
	}
	status(v1.ConditionTrue)
	c.podCount(ns, "app=suspended", 0)
	suspend := func(value string) {
		_, err := c.admin.BatchV1().Jobs(ns).Patch(c.Context(), "suspended", types.MergePatchType, []byte(`{"spec":{"suspend":`+value+`}}`), metav1.PatchOptions{})
		c.must(err)
	}
	suspend("false")
	status(v1.ConditionFalse)
	c.podCount(ns, "app=suspended", 1)
	suspend("true")
	c.podCount(ns, "app=suspended", 0)
	suspend("false")
	if s := c.jobEnds(ns, "suspended", batchv1.JobComplete, batchv1.JobReasonCompletionsReached, succeed); s.Failed != 0 {
		c.Errorf("suspension counted as a failure: %+v", s)
	}
}
