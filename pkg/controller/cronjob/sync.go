package cronjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// manyMissed is from how many missed times on users are warned: a clock may have jumped.
const manyMissed = 100

// Sync brings one CronJob up to date.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	cached, err := c.cronJobs.CronJobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	cj := *cached
	cj.Status = *cached.Status.DeepCopy()
	jobs, err := c.jobsOf(&cj)
	if err != nil {
		return err
	}
	if err := c.follow(ctx, &cj, jobs); err != nil {
		return err
	}
	cleanErr := c.trim(ctx, &cj, jobs)
	var startErr error
	if cj.DeletionTimestamp == nil {
		startErr = c.start(ctx, key, &cj, jobs)
	}
	return errors.Join(startErr, cleanErr, c.report(ctx, cached, &cj))
}

func (c *Controller) report(ctx context.Context, old, cj *batchv1.CronJob) error {
	if equality.Semantic.DeepEqual(old.Status, cj.Status) {
		return nil
	}
	_, err := c.client.BatchV1().CronJobs(cj.Namespace).UpdateStatus(ctx, cj, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

func (c *Controller) jobsOf(cj *batchv1.CronJob) ([]*batchv1.Job, error) {
	all, err := c.jobs.Jobs(cj.Namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(j *batchv1.Job) bool { return !metav1.IsControlledBy(j, cj) }), nil
}

// follow brings status.active in step with the Jobs there are.
func (c *Controller) follow(ctx context.Context, cj *batchv1.CronJob, jobs []*batchv1.Job) error {
	known := map[types.UID]bool{}
	for _, j := range jobs {
		known[j.UID] = true
		listed := slices.ContainsFunc(cj.Status.Active, func(r v1.ObjectReference) bool { return r.UID == j.UID })
		kind := result(j)
		switch {
		case !listed && kind == "":
			cj.Status.Active = append(cj.Status.Active, reference(j)) // started, and the write of the status was lost
		case listed && kind != "":
			cj.Status.Active = without(cj.Status.Active, j.UID)
			c.events.Eventf(cj, v1.EventTypeNormal, "SawCompletedJob", "Saw completed job: %s, condition: %v", j.Name, kind)
		}
		if kind == batchv1.JobComplete && j.Status.CompletionTime != nil && (cj.Status.LastSuccessfulTime == nil || j.Status.CompletionTime.After(cj.Status.LastSuccessfulTime.Time)) {
			cj.Status.LastSuccessfulTime = j.Status.CompletionTime
		}
	}
	for _, r := range slices.Clone(cj.Status.Active) {
		if known[r.UID] {
			continue
		}
		// Not in the cache: gone, or just created.
		live, err := c.client.BatchV1().Jobs(cj.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && live.UID != r.UID:
			c.events.Eventf(cj, v1.EventTypeNormal, "MissingJob", "Active job went missing: %v", r.Name)
			cj.Status.Active = without(cj.Status.Active, r.UID)
		case err != nil:
			return fmt.Errorf("reading job %s: %w", r.Name, err)
		}
	}
	return nil
}

func without(refs []v1.ObjectReference, uid types.UID) []v1.ObjectReference {
	return slices.DeleteFunc(slices.Clone(refs), func(r v1.ObjectReference) bool { return r.UID == uid })
}

func reference(j *batchv1.Job) v1.ObjectReference {
	return v1.ObjectReference{APIVersion: "batch/v1", Kind: "Job", Namespace: j.Namespace, Name: j.Name, UID: j.UID, ResourceVersion: j.ResourceVersion}
}

func result(j *batchv1.Job) batchv1.JobConditionType {
	for _, c := range j.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == v1.ConditionTrue {
			return c.Type
		}
	}
	return ""
}

// trim deletes the oldest finished Jobs beyond the limits.
func (c *Controller) trim(ctx context.Context, cj *batchv1.CronJob, jobs []*batchv1.Job) error {
	var errs []error
	for kind, limit := range map[batchv1.JobConditionType]*int32{batchv1.JobComplete: cj.Spec.SuccessfulJobsHistoryLimit, batchv1.JobFailed: cj.Spec.FailedJobsHistoryLimit} {
		if limit == nil {
			continue
		}
		done := slices.DeleteFunc(slices.Clone(jobs), func(j *batchv1.Job) bool { return result(j) != kind || j.DeletionTimestamp != nil })
		slices.SortFunc(done, func(a, b *batchv1.Job) int {
			return cmp.Or(started(a).Compare(started(b)), cmp.Compare(a.Name, b.Name))
		})
		for _, j := range done[:max(0, len(done)-int(*limit))] {
			errs = append(errs, c.deleteJob(ctx, cj, j))
		}
	}
	return errors.Join(errs...)
}

func started(j *batchv1.Job) time.Time {
	if j.Status.StartTime != nil {
		return j.Status.StartTime.Time
	}
	return j.CreationTimestamp.Time
}

func (c *Controller) deleteJob(ctx context.Context, cj *batchv1.CronJob, j *batchv1.Job) error {
	background := metav1.DeletePropagationBackground
	err := c.client.BatchV1().Jobs(j.Namespace).Delete(ctx, j.Name, metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &j.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		c.events.Eventf(cj, v1.EventTypeWarning, "FailedDelete", "Deleted job: %v", err)
		return fmt.Errorf("deleting job %s: %w", j.Name, err)
	}
	cj.Status.Active = without(cj.Status.Active, j.UID)
	c.events.Eventf(cj, v1.EventTypeNormal, "SuccessfulDelete", "Deleted job %v", j.Name)
	return nil
}

// start runs the Job whose time has come, and waits for the next time.
func (c *Controller) start(ctx context.Context, key worker.Key, cj *batchv1.CronJob, jobs []*batchv1.Job) error {
	if cj.Spec.Suspend != nil && *cj.Spec.Suspend {
		return nil
	}
	zone := time.Local
	if cj.Spec.TimeZone != nil {
		z, err := time.LoadLocation(*cj.Spec.TimeZone)
		if err != nil {
			c.events.Eventf(cj, v1.EventTypeWarning, "UnknownTimeZone", "invalid timeZone: %q: %s", *cj.Spec.TimeZone, err)
			return nil // nothing to do until it is changed
		}
		zone = z
	}
	s, err := parse(cj.Spec.Schedule, zone)
	if err != nil {
		c.events.Eventf(cj, v1.EventTypeWarning, "UnparseableSchedule", "unparseable schedule: %s : %s", cj.Spec.Schedule, err)
		return nil
	}
	now := c.clock.Now()
	at, missed := lastTime(cj, s, now)
	if missed > manyMissed {
		c.events.Eventf(cj, v1.EventTypeWarning, "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
	}
	if next := s.next(now); !next.IsZero() {
		c.queue.EnqueueAfter(key, next.Sub(now)+50*time.Millisecond)
	}
	if at.IsZero() {
		return nil
	}
	if d := cj.Spec.StartingDeadlineSeconds; d != nil && at.Add(time.Duration(*d)*time.Second).Before(now) {
		c.events.Eventf(cj, v1.EventTypeWarning, "MissSchedule", "Missed scheduled time to start a job: %s", at.UTC().Format(time.RFC1123Z))
		return nil
	}
	name := jobName(cj, at)
	if slices.ContainsFunc(jobs, func(j *batchv1.Job) bool { return j.Name == name }) {
		cj.Status.LastScheduleTime = &metav1.Time{Time: at}
		return nil
	}
	if len(cj.Status.Active) > 0 {
		switch cj.Spec.ConcurrencyPolicy {
		case batchv1.ForbidConcurrent:
			c.events.Eventf(cj, v1.EventTypeNormal, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")
			return nil
		case batchv1.ReplaceConcurrent:
			for _, j := range jobs {
				if slices.ContainsFunc(cj.Status.Active, func(r v1.ObjectReference) bool { return r.UID == j.UID }) {
					if err := c.deleteJob(ctx, cj, j); err != nil {
						return err
					}
				}
			}
		}
	}
	return c.create(ctx, cj, name, at)
}

func (c *Controller) create(ctx context.Context, cj *batchv1.CronJob, name string, at time.Time) error {
	t := cj.Spec.JobTemplate.DeepCopy()
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: cj.Namespace, Labels: t.Labels, Annotations: maps.Clone(t.Annotations),
		CreationTimestamp: metav1.Time{Time: at}, OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cj, GVK)}}, Spec: t.Spec}
	if j.Annotations == nil {
		j.Annotations = map[string]string{}
	}
	shown := at
	if cj.Spec.TimeZone != nil {
		if z, err := time.LoadLocation(*cj.Spec.TimeZone); err == nil {
			shown = at.In(z)
		}
	}
	j.Annotations[batchv1.CronJobScheduledTimestampAnnotation] = shown.Format(time.RFC3339)
	made, err := c.client.BatchV1().Jobs(cj.Namespace).Create(ctx, j, metav1.CreateOptions{})
	switch {
	case podcontrol.IsTerminating(err):
		return nil
	case apierrors.IsAlreadyExists(err):
		// Ours, and the cache does not show it yet; or another's, which must not be counted.
		live, getErr := c.client.BatchV1().Jobs(cj.Namespace).Get(ctx, name, metav1.GetOptions{})
		if getErr != nil {
			return fmt.Errorf("reading job %s that already exists: %w", name, getErr)
		}
		if !metav1.IsControlledBy(live, cj) {
			return fmt.Errorf("the name of job %s is taken by another: %w", name, err)
		}
		made = live
	case err != nil:
		c.events.Eventf(cj, v1.EventTypeWarning, "FailedCreate", "Error creating job: %v", err)
		return fmt.Errorf("creating job %s: %w", name, err)
	default:
		c.events.Eventf(cj, v1.EventTypeNormal, "SuccessfulCreate", "Created job %v", name)
	}
	cj.Status.Active = append(without(cj.Status.Active, made.UID), reference(made))
	cj.Status.LastScheduleTime = &metav1.Time{Time: at}
	return nil
}

// lastTime is the latest time that has passed and has had no Job, and how many such times there were (counted to a limit).
func lastTime(cj *batchv1.CronJob, s *schedule, now time.Time) (time.Time, int) {
	from := cj.CreationTimestamp.Time
	if cj.Status.LastScheduleTime != nil {
		from = cj.Status.LastScheduleTime.Time
	}
	if d := cj.Spec.StartingDeadlineSeconds; d != nil {
		if earliest := now.Add(-time.Duration(*d) * time.Second); earliest.After(from) {
			from = earliest
		}
	}
	var last time.Time
	missed := 0
	for t := s.next(from); !t.IsZero() && !t.After(now); t = s.next(t) {
		last = t
		if missed++; missed == manyMissed {
			// After a long pause the steps are many: go on from shortly before now.
			if near := now.Add(-24 * time.Hour); near.After(t) && !s.next(near).After(now) {
				t = near
			}
		}
	}
	return last, missed
}

// jobName names the Job of a time, in minutes, as upstream does.
func jobName(cj *batchv1.CronJob, at time.Time) string {
	return fmt.Sprintf("%s-%d", cj.Name, at.Unix()/60)
}
