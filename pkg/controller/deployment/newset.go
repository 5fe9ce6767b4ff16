package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
)

// find splits the ReplicaSets into the one of the present template and the others. Of several with the same template (which
// needs a collision of controllers) the oldest is the one.
func find(d *appsv1.Deployment, all []*appsv1.ReplicaSet) (newSet *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, byAge)
	for _, rs := range sorted {
		if newSet == nil && sameTemplate(&rs.Spec.Template, &d.Spec.Template) {
			newSet = rs
		} else {
			old = append(old, rs)
		}
	}
	return newSet, old
}

func sameTemplate(a, b *v1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(withoutHash(a), withoutHash(b))
}

func withoutHash(t *v1.PodTemplateSpec) *v1.PodTemplateSpec {
	if _, has := t.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; !has {
		return t
	}
	c := *t
	c.Labels = maps.Clone(t.Labels)
	delete(c.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	return &c
}

// templateHash names a template. It need not be the same in every release: templates are compared, hashes only keep names
// apart.
func templateHash(t *v1.PodTemplateSpec, collisions *int32) (string, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("hashing the pod template: %w", err)
	}
	h := fnv.New32a()
	_, _ = h.Write(body) // never fails
	if collisions != nil {
		_, _ = h.Write([]byte(strconv.Itoa(int(*collisions))))
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(h.Sum32()), 10)), nil
}

// ensureNew returns the ReplicaSet of the present template with its annotations brought up to date, creating it if need be.
func (c *Controller) ensureNew(ctx context.Context, r *rollout) error {
	revision := maxRevision(r.old) + 1
	if r.newSet == nil {
		return c.createNew(ctx, r, revision)
	}
	annotations := newAnnotations(r.d, r.newSet.Annotations, revision, true)
	if !maps.Equal(annotations, r.newSet.Annotations) || r.newSet.Spec.MinReadySeconds != r.d.Spec.MinReadySeconds {
		rs := r.newSet.DeepCopy()
		rs.Annotations = annotations
		rs.Spec.MinReadySeconds = r.d.Spec.MinReadySeconds
		updated, err := c.client.AppsV1().ReplicaSets(rs.Namespace).Update(ctx, rs, metav1.UpdateOptions{})
		if err != nil {
			return fmt.Errorf("updating ReplicaSet %s: %w", rs.Name, err)
		}
		r.newSet = updated
	}
	if err := c.setRevision(ctx, r, r.newSet.Annotations[revisionAnnotation]); err != nil {
		return err
	}
	if hasDeadline(r.d) && condition(r.d.Status.Conditions, appsv1.DeploymentProgressing) == nil {
		// A deployment that adopts a ReplicaSet, or finds one after a restart, starts its clock here.
		r.note(appsv1.DeploymentProgressing, v1.ConditionTrue, "FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", r.newSet.Name))
	}
	return nil
}

func (c *Controller) createNew(ctx context.Context, r *rollout, revision int64) error {
	rs, err := newReplicaSet(r.d, revision, wanted(r.old))
	if err != nil {
		return err
	}
	created, err := c.client.AppsV1().ReplicaSets(rs.Namespace).Create(ctx, rs, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		if created, err = c.existing(ctx, r, rs); err != nil {
			return err
		}
	case podcontrol.IsTerminating(err):
		return err
	case err != nil:
		message := fmt.Sprintf("Failed to create new replica set %q: %v", rs.Name, err)
		if hasDeadline(r.d) {
			r.note(appsv1.DeploymentProgressing, v1.ConditionFalse, "ReplicaSetCreateError", message)
		}
		c.events.Event(r.d, v1.EventTypeWarning, "ReplicaSetCreateError", message)
		return fmt.Errorf("creating ReplicaSet %s: %w", rs.Name, err)
	default:
		if n := deref(created.Spec.Replicas); n > 0 {
			c.events.Eventf(r.d, v1.EventTypeNormal, "ScalingReplicaSet", "Scaled up replica set %s from 0 to %d", created.Name, n)
		}
		if hasDeadline(r.d) {
			r.note(appsv1.DeploymentProgressing, v1.ConditionTrue, "NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", created.Name))
		}
	}
	r.newSet = created
	return c.setRevision(ctx, r, created.Annotations[revisionAnnotation])
}

// existing looks at the ReplicaSet that already has the name: the one this controller made and its cache does not show yet,
// or another whose name collides, and then the collision count changes the name of the next attempt.
func (c *Controller) existing(ctx context.Context, r *rollout, rs *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
	live, err := c.client.AppsV1().ReplicaSets(rs.Namespace).Get(ctx, rs.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading ReplicaSet %s that already exists: %w", rs.Name, err)
	}
	if metav1.IsControlledBy(live, r.d) && sameTemplate(&live.Spec.Template, &r.d.Spec.Template) {
		return live, nil
	}
	d := *r.d
	count := int32(1)
	if d.Status.CollisionCount != nil {
		count += *d.Status.CollisionCount
	}
	d.Status.CollisionCount = &count
	if _, err := c.client.AppsV1().Deployments(d.Namespace).UpdateStatus(ctx, &d, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("counting a name collision: %w", err)
	}
	return nil, fmt.Errorf("the name of ReplicaSet %s is taken by another", rs.Name)
}

func newReplicaSet(d *appsv1.Deployment, revision int64, oldReplicas int32) (*appsv1.ReplicaSet, error) {
	hash, err := templateHash(&d.Spec.Template, d.Status.CollisionCount)
	if err != nil {
		return nil, err
	}
	template := d.Spec.Template.DeepCopy()
	template.Labels = withLabel(template.Labels, hash)
	selector := d.Spec.Selector.DeepCopy()
	selector.MatchLabels = withLabel(selector.MatchLabels, hash)
	l := limitsOf(d)
	size := growNew(l, d.Spec.Strategy.Type, 0, oldReplicas)
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:            d.Name + "-" + hash,
			Namespace:       d.Namespace,
			Labels:          template.Labels,
			Annotations:     withSizes(newAnnotations(d, nil, revision, false), l.replicas, l.max()),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, GVK)},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: &size, MinReadySeconds: d.Spec.MinReadySeconds, Selector: selector, Template: *template},
	}, nil
}

func withLabel(in map[string]string, hash string) map[string]string {
	out := maps.Clone(in)
	if out == nil {
		out = map[string]string{}
	}
	out[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	return out
}

// setRevision shows the current revision on the deployment itself.
func (c *Controller) setRevision(ctx context.Context, r *rollout, revision string) error {
	if r.d.Annotations[revisionAnnotation] == revision {
		return nil
	}
	d := *r.d
	d.Annotations = maps.Clone(d.Annotations)
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[revisionAnnotation] = revision
	updated, err := c.client.AppsV1().Deployments(d.Namespace).Update(ctx, &d, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("setting the revision: %w", err)
	}
	r.d = updated
	return nil
}
