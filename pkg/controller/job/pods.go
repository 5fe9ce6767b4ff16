package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// burst bounds the pods created or deleted in one sync.
const burst = 500

// Waits between failures of a job's pods.
const (
	backoffBase = 10 * time.Second
	backoffMax  = 10 * time.Minute
)

// manage creates or deletes pods of a job that goes on.
func (c *Controller) manage(ctx context.Context, key worker.Key, v *view) error {
	if extra := v.surplus(); len(extra) > 0 {
		return c.deletePods(ctx, key, v, extra)
	}
	n := min(v.wanted()-int32(len(v.active))-v.stillOccupied(), burst)
	if n <= 0 {
		return nil
	}
	if isIndexed(v.job) {
		return c.createIndexed(ctx, key, v, n)
	}
	if wait := backoff(v.pods, nil, v.now.Time); wait > 0 {
		c.queue.EnqueueAfter(key, wait)
		return nil
	}
	return c.create(ctx, key, v, int(n), func(int) *v1.Pod { return newPod(v.job) })
}

// stillOccupied are ending pods that may not be replaced yet.
func (v *view) stillOccupied() int32 {
	if onlyReplaceFailed(v.job) {
		return int32(len(v.terminating))
	}
	return 0
}

// wanted is how many pods may run now.
func (v *view) wanted() int32 {
	if v.job.Spec.Completions == nil {
		if v.successes() > 0 {
			return int32(len(v.active)) // the work queue is drained: nobody new
		}
		return parallelism(v.job)
	}
	return max(0, min(parallelism(v.job), *v.job.Spec.Completions-v.successes()-int32(len(v.failedIndexes))))
}

// surplus are active pods that must go: beyond the wanted number, for an index that is done, out of range, or taken twice.
func (v *view) surplus() []*v1.Pod {
	rest := v.active
	var out []*v1.Pod
	if isIndexed(v.job) {
		taken := map[int32]bool{}
		rest = nil
		for _, p := range podcontrol.LowestRanked(v.active, nil, len(v.active), v.now.Time) {
			i := indexOf(p)
			if i < 0 || i >= completions(v.job) || v.succeededIndexes.has(i) || v.failedIndexes.has(i) || taken[i] {
				out = append(out, p)
				continue
			}
			taken[i] = true
			rest = append(rest, p)
		}
	}
	if n := len(rest) - int(v.wanted()); n > 0 {
		out = append(out, podcontrol.LowestRanked(rest, nil, n, v.now.Time)...)
	}
	return out[:min(len(out), burst)]
}

func (c *Controller) createIndexed(ctx context.Context, key worker.Key, v *view, n int32) error {
	busy := map[int32]bool{}
	for _, p := range v.active {
		busy[indexOf(p)] = true
	}
	if onlyReplaceFailed(v.job) {
		for _, p := range v.terminating {
			busy[indexOf(p)] = true
		}
	}
	perIndex := v.job.Spec.BackoffLimitPerIndex != nil
	if !perIndex {
		if wait := backoff(v.pods, nil, v.now.Time); wait > 0 {
			c.queue.EnqueueAfter(key, wait)
			return nil
		}
	}
	var indexes []int32
	var next time.Duration
	for i := int32(0); i < completions(v.job) && int32(len(indexes)) < n; i++ {
		if busy[i] || v.succeededIndexes.has(i) || v.failedIndexes.has(i) {
			continue
		}
		if perIndex {
			if wait := backoff(v.pods, &i, v.now.Time); wait > 0 {
				if next == 0 || wait < next {
					next = wait
				}
				continue
			}
		}
		indexes = append(indexes, i)
	}
	if next > 0 {
		c.queue.EnqueueAfter(key, next)
	}
	return c.create(ctx, key, v, len(indexes), func(k int) *v1.Pod { return newIndexedPod(v, indexes[k]) })
}

// backoff is how long to wait after failures since the last success: the time doubles with each.
func backoff(pods []*v1.Pod, index *int32, now time.Time) time.Duration {
	var success time.Time
	var failures []time.Time
	for _, p := range pods {
		if index != nil && indexOf(p) != *index {
			continue
		}
		switch p.Status.Phase {
		case v1.PodSucceeded:
			if t := finishTime(p); t.After(success) {
				success = t
			}
		case v1.PodFailed:
			failures = append(failures, finishTime(p))
		}
	}
	failures = slices.DeleteFunc(failures, func(t time.Time) bool { return !t.After(success) })
	if len(failures) == 0 {
		return 0
	}
	last := slices.MaxFunc(failures, time.Time.Compare)
	wait := time.Duration(min(float64(backoffBase)*math.Pow(2, float64(len(failures)-1)), float64(backoffMax)))
	return max(0, last.Add(wait).Sub(now))
}

func (c *Controller) create(ctx context.Context, key worker.Key, v *view, n int, pod func(int) *v1.Pod) error {
	_, err := podcontrol.SlowStart(n, func(i int) error {
		created, err := c.control.Create(ctx, pod(i), v.job)
		if podcontrol.IsTerminating(err) {
			return nil
		}
		if err == nil {
			c.expect.Created(key, created)
		}
		return err
	})
	return err
}

func newPod(j *batchv1.Job) *v1.Pod {
	p := podcontrol.FromTemplate(&j.Spec.Template, j, metav1.NewControllerRef(j, GVK))
	p.Finalizers = append(p.Finalizers, batchv1.JobTrackingFinalizer)
	return p
}

func newIndexedPod(v *view, index int32) *v1.Pod {
	p := newPod(v.job)
	text := strconv.Itoa(int(index))
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Annotations[batchv1.JobCompletionIndexAnnotation], p.Labels[batchv1.JobCompletionIndexAnnotation] = text, text
	p.GenerateName = fmt.Sprintf("%s-%s-", v.job.Name, text)
	p.Spec.Hostname = fmt.Sprintf("%s-%s", v.job.Name, text)
	if v.job.Spec.BackoffLimitPerIndex != nil {
		failures, ignored := v.failuresOf(index)
		p.Annotations[batchv1.JobIndexFailureCountAnnotation] = strconv.Itoa(int(failures))
		if ignored > 0 {
			p.Annotations[batchv1.JobIndexIgnoredFailureCountAnnotation] = strconv.Itoa(int(ignored))
		}
	}
	env := v1.EnvVar{Name: "JOB_COMPLETION_INDEX", ValueFrom: &v1.EnvVarSource{
		FieldRef: &v1.ObjectFieldSelector{FieldPath: fmt.Sprintf("metadata.labels['%s']", batchv1.JobCompletionIndexAnnotation)},
	}}
	for _, list := range [][]v1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			if !slices.ContainsFunc(list[i].Env, func(e v1.EnvVar) bool { return e.Name == env.Name }) {
				list[i].Env = append(list[i].Env, env)
			}
		}
	}
	return p
}

// failuresOf is what a new pod of the index inherits from those that failed before.
func (v *view) failuresOf(index int32) (failures, ignored int32) {
	for _, p := range v.pods {
		if indexOf(p) != index || !failed(p, v.job) {
			continue
		}
		f, g := indexFailures(p), indexIgnored(p)
		if action, _ := match(v.job.Spec.PodFailurePolicy, p); action == batchv1.PodFailurePolicyActionIgnore {
			g++
		} else {
			f++
		}
		failures, ignored = max(failures, f), max(ignored, g)
	}
	return failures, ignored
}

// deletePods takes pods away that are too many. Without finalizer they are not counted: they did not fail.
func (c *Controller) deletePods(ctx context.Context, key worker.Key, v *view, pods []*v1.Pod) error {
	if err := c.releasePods(ctx, pods); err != nil {
		return err
	}
	return c.endPods(ctx, key, v, pods)
}

func (c *Controller) endPods(ctx context.Context, key worker.Key, v *view, pods []*v1.Pod) error {
	var mu sync.Mutex
	return errors.Join(podcontrol.Parallel(len(pods), func(i int) error {
		if err := c.control.Delete(ctx, pods[i], v.job); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		c.expect.Deleted(key, pods[i])
		return nil
	})...)
}

// releasePods removes the tracking finalizer.
func (c *Controller) releasePods(ctx context.Context, pods []*v1.Pod) error {
	return errors.Join(podcontrol.Parallel(len(pods), func(i int) error {
		p := pods[i]
		if !tracked(p) {
			return nil
		}
		body, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"uid": p.UID, "$deleteFromPrimitiveList/finalizers": []string{batchv1.JobTrackingFinalizer},
		}})
		if err != nil {
			return err
		}
		if err := c.control.Patch(ctx, p, body); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) {
			return fmt.Errorf("removing the finalizer of pod %s/%s: %w", p.Namespace, p.Name, err)
		}
		return nil
	})...)
}
