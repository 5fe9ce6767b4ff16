package resourceclaim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// PodClaimAnnotation on a claim names the entry of the pod it was made for.
const PodClaimAnnotation = "resource.kubernetes.io/pod-claim-name"

const fieldManager = "ResourceClaimController"

func (c *Controller) syncPod(ctx context.Context, k worker.Key) error {
	p, err := c.pods.Pods(k.Namespace).Get(k.Name)
	if apierrors.IsNotFound(err) {
		c.made.Forget(k)
		return nil
	}
	if err != nil {
		return err
	}
	if done(p) || p.DeletionTimestamp != nil || !c.made.Satisfied(k) {
		return nil
	}
	names := map[string]string{} // entry -> claim made for it
	var errs []error
	for i := range p.Spec.ResourceClaims {
		entry := &p.Spec.ResourceClaims[i]
		if entry.ResourceClaimTemplateName == nil {
			continue
		}
		name, err := c.ensure(ctx, p, entry)
		if err != nil {
			c.cfg.Events.Event(p, v1.EventTypeWarning, "FailedResourceClaimCreation", fmt.Sprintf("PodResourceClaim %s: %v", entry.Name, err))
			errs = append(errs, fmt.Errorf("claim %s: %w", entry.Name, err))
			continue
		}
		names[entry.Name] = name
	}
	errs = append(errs, c.publish(ctx, p, names))
	if p.Spec.NodeName != "" {
		errs = append(errs, c.reserve(ctx, p))
	}
	return errors.Join(errs...)
}

// ensure returns the name of the claim made for the entry, and makes it if there is none.
func (c *Controller) ensure(ctx context.Context, p *v1.Pod, entry *v1.PodResourceClaim) (string, error) {
	if i := slices.IndexFunc(p.Status.ResourceClaimStatuses, func(s v1.PodResourceClaimStatus) bool { return s.Name == entry.Name }); i >= 0 {
		name := p.Status.ResourceClaimStatuses[i].ResourceClaimName
		if name == nil {
			return "", nil // decided before that none is needed
		}
		// A claim that was deleted is made again under a new name only while the pod may still be scheduled with it.
		if r, err := c.claims.ResourceClaims(p.Namespace).Get(*name); err == nil {
			return *name, resourceclaim.IsForPod(p, r, false)
		} else if !apierrors.IsNotFound(err) || p.Spec.NodeName != "" {
			return *name, err
		}
	}
	all, err := c.claims.ResourceClaims(p.Namespace).List(labels.Everything())
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if r.Annotations[PodClaimAnnotation] == entry.Name && metav1.IsControlledBy(r, p) && r.DeletionTimestamp == nil {
			return r.Name, nil // made, but the status could not be written
		}
	}
	t, err := c.templates.ResourceClaimTemplates(p.Namespace).Get(*entry.ResourceClaimTemplateName)
	if err != nil {
		return "", fmt.Errorf("resource claim template %q: %w", *entry.ResourceClaimTemplateName, err)
	}
	return c.create(ctx, p, entry, t)
}

func (c *Controller) create(ctx context.Context, p *v1.Pod, entry *v1.PodResourceClaim, t *resourcev1.ResourceClaimTemplate) (string, error) {
	t = t.DeepCopy()
	r := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{GenerateName: p.Name + "-" + entry.Name + "-", Labels: t.Spec.Labels, Annotations: t.Spec.Annotations,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p, v1.SchemeGroupVersion.WithKind("Pod"))}}, Spec: t.Spec.Spec}
	metav1.SetMetaDataAnnotation(&r.ObjectMeta, PodClaimAnnotation, entry.Name)
	admin := strconv.FormatBool(slices.ContainsFunc(r.Spec.Devices.Requests, func(d resourcev1.DeviceRequest) bool {
		return d.Exactly != nil && d.Exactly.AdminAccess != nil && *d.Exactly.AdminAccess
	}))
	made, err := c.cfg.Client.ResourceV1().ResourceClaims(p.Namespace).Create(ctx, r, metav1.CreateOptions{})
	if err != nil {
		c.cfg.Creates.WithLabelValues("failure", admin).Inc()
		if podcontrol.IsTerminating(err) {
			return "", nil
		}
		return "", fmt.Errorf("creating the claim: %w", err)
	}
	c.cfg.Creates.WithLabelValues("success", admin).Inc()
	c.made.Created(worker.KeyOf(p), made)
	return made.Name, nil
}

// publish writes the names into the pod's status, where scheduler and kubelet look.
func (c *Controller) publish(ctx context.Context, p *v1.Pod, names map[string]string) error {
	status := applycorev1.PodStatus()
	differs := false
	for _, entry := range p.Spec.ResourceClaims {
		name, ok := names[entry.Name]
		if !ok {
			continue
		}
		s := applycorev1.PodResourceClaimStatus().WithName(entry.Name)
		if name != "" {
			s = s.WithResourceClaimName(name)
		}
		status = status.WithResourceClaimStatuses(s)
		differs = differs || !slices.ContainsFunc(p.Status.ResourceClaimStatuses, func(have v1.PodResourceClaimStatus) bool {
			return have.Name == entry.Name && (have.ResourceClaimName == nil && name == "" || have.ResourceClaimName != nil && *have.ResourceClaimName == name)
		})
	}
	if !differs {
		return nil
	}
	_, err := c.cfg.Client.CoreV1().Pods(p.Namespace).ApplyStatus(ctx, applycorev1.Pod(p.Name, p.Namespace).WithUID(p.UID).WithStatus(status), metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the claims' names into the pod's status: %w", err)
	}
	return nil
}

// reserve lets a pod that never met the scheduler use claims that are allocated already.
func (c *Controller) reserve(ctx context.Context, p *v1.Pod) error {
	var errs []error
	for i := range p.Spec.ResourceClaims {
		name, check, err := resourceclaim.Name(p, &p.Spec.ResourceClaims[i])
		if err != nil || name == nil {
			continue // not made yet
		}
		r, err := c.claims.ResourceClaims(p.Namespace).Get(*name)
		if err != nil || check && resourceclaim.IsForPod(p, r, false) != nil {
			continue
		}
		if r.Status.Allocation == nil || resourceclaim.IsReservedForPod(p, r, false) || !resourceclaim.CanBeReserved(r) {
			continue
		}
		r = r.DeepCopy()
		r.Status.ReservedFor = append(r.Status.ReservedFor, resourcev1.ResourceClaimConsumerReference{Resource: "pods", Name: p.Name, UID: p.UID})
		if _, err := c.cfg.Client.ResourceV1().ResourceClaims(p.Namespace).UpdateStatus(ctx, r, metav1.UpdateOptions{}); err != nil {
			errs = append(errs, fmt.Errorf("reserving claim %s: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}
