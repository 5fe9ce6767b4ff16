package pod

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storageerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"
	policyclient "k8s.io/client-go/kubernetes/typed/policy/v1"
	"k8s.io/client-go/util/retry"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// EvictionREST deletes a pod if the disruption budgets allow it.
// See https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/.
type EvictionREST struct {
	store   *genericregistry.Store
	budgets policyclient.PodDisruptionBudgetsGetter
}

var (
	_ rest.NamedCreater             = &EvictionREST{}
	_ rest.GroupVersionKindProvider = &EvictionREST{}
	_ rest.GroupVersionAcceptor     = &EvictionREST{}
)

// maxPending bounds how many evicted pods a budget may still be waiting for.
const maxPending = 2000

var evictionKind = policyv1.SchemeGroupVersion.WithKind("Eviction")

// New implements rest.Storage.
func (r *EvictionREST) New() runtime.Object { return &policyv1.Eviction{} }

// Destroy implements rest.Storage.
func (r *EvictionREST) Destroy() {}

// GroupVersionKind implements rest.GroupVersionKindProvider: evictions are of another group than pods.
func (r *EvictionREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return evictionKind
}

// AcceptsGroupVersion implements rest.GroupVersionAcceptor.
func (r *EvictionREST) AcceptsGroupVersion(gv schema.GroupVersion) bool {
	return gv.Group == policyv1.GroupName && (gv.Version == "v1" || gv.Version == "v1beta1")
}

// Create implements rest.NamedCreater.
func (r *EvictionREST) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	e, ok := obj.(*policyv1.Eviction)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a Eviction object: %T", obj))
	}
	if name != e.Name {
		return nil, apierrors.NewBadRequest("name in URL does not match name in Eviction object")
	}
	deletion := &metav1.DeleteOptions{}
	if e.DeleteOptions != nil {
		deletion = e.DeleteOptions.DeepCopy()
	}
	if dryrun.IsDryRun(options.DryRun) && !dryrun.IsDryRun(deletion.DryRun) {
		deletion.DryRun = options.DryRun
	}
	if validate != nil {
		if err := validate(ctx, e.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	err := retry.RetryOnConflict(again, func() error { return r.evict(ctx, name, deletion) })
	if err != nil {
		return nil, err
	}
	return &metav1.Status{Status: metav1.StatusSuccess}, nil
}

// again is how often and how fast a lost race for a budget is run again.
var again = wait.Backoff{Steps: 20, Duration: 500 * time.Millisecond, Factor: 1, Jitter: 0.1}

func (r *EvictionREST) evict(ctx context.Context, name string, deletion *metav1.DeleteOptions) error {
	obj, err := r.store.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return err
	}
	pod := obj.(*corev1.Pod)
	// A pod that has ended, waits or is going already is no replica that a budget counts.
	if podstate.IsTerminal(pod) || pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil {
		return r.delete(ctx, pod, deletion, false)
	}
	budget, err := r.budgetOf(ctx, pod)
	if err != nil {
		return err
	}
	if budget == nil {
		return r.delete(ctx, pod, deletion, false)
	}
	if ignored(pod, budget) {
		return r.delete(ctx, pod, deletion, true)
	}
	if err := r.take(ctx, pod, *budget, dryrun.IsDryRun(deletion.DryRun)); err != nil {
		return err
	}
	err = r.delete(ctx, pod, deletion, false)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// ignored tells whether the pod may go though the budget is used up: it is not ready, so it is no available replica.
func ignored(pod *corev1.Pod, b *policyv1.PodDisruptionBudget) bool {
	if podstate.IsReady(pod) {
		return false
	}
	if p := b.Spec.UnhealthyPodEvictionPolicy; p != nil && *p == policyv1.AlwaysAllow {
		return true
	}
	return b.Status.CurrentHealthy >= b.Status.DesiredHealthy && b.Status.DesiredHealthy > 0
}

func (r *EvictionREST) delete(ctx context.Context, pod *corev1.Pod, options *metav1.DeleteOptions, unchanged bool) error {
	options = options.DeepCopy()
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	if options.Preconditions.UID == nil {
		options.Preconditions.UID = &pod.UID
	}
	if want := *options.Preconditions.UID; want != pod.UID {
		return apierrors.NewConflict(schema.GroupResource{Resource: "Pod"}, pod.Name, fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). "+
			"The object might have been deleted and then recreated", want, pod.UID))
	}
	// A decision by the pod's state holds only as long as the state.
	if unchanged && options.Preconditions.ResourceVersion == nil {
		options.Preconditions.ResourceVersion = &pod.ResourceVersion
	}
	if !dryrun.IsDryRun(options.DryRun) {
		marked, err := r.mark(ctx, pod, options.Preconditions)
		if err != nil {
			return err
		}
		if options.Preconditions.ResourceVersion != nil {
			options.Preconditions.ResourceVersion = &marked.ResourceVersion
		}
	}
	_, _, err := r.store.Delete(ctx, pod.Name, rest.ValidateAllObjectFunc, options)
	return err
}

// mark says on the pod that it goes because it was evicted, so that its owner need not count it as failed (KEP-3329).
func (r *EvictionREST) mark(ctx context.Context, pod *corev1.Pod, pre *metav1.Preconditions) (*corev1.Pod, error) {
	key, err := r.store.KeyFunc(ctx, pod.Name)
	if err != nil {
		return nil, err
	}
	out := &corev1.Pod{}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, out, false, &storage.Preconditions{UID: pre.UID, ResourceVersion: pre.ResourceVersion},
		storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
			now := obj.(*corev1.Pod)
			podstate.SetCondition(&now.Status, corev1.PodCondition{
				Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
				Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting",
			}, metav1.Now())
			return now, nil
		}), false, nil)
	if err != nil {
		return nil, storageerr.InterpretUpdateError(storageerr.InterpretGetError(err, corev1.Resource("pods"), pod.Name), corev1.Resource("pods"), pod.Name)
	}
	return out, nil
}

// budgetOf returns the budget that covers the pod. Two budgets on one pod cannot both be kept, so that is an error.
func (r *EvictionREST) budgetOf(ctx context.Context, pod *corev1.Pod) (*policyv1.PodDisruptionBudget, error) {
	if len(pod.Labels) == 0 {
		return nil, nil
	}
	list, err := r.budgets.PodDisruptionBudgets(pod.Namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, err
	}
	var found *policyv1.PodDisruptionBudget
	for i := range list.Items {
		b := &list.Items[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		if found != nil {
			return nil, apierrors.NewInternalError(fmt.Errorf("this pod has more than one PodDisruptionBudget, which the eviction subresource does not support"))
		}
		found = b
	}
	if found == nil {
		return nil, nil
	}
	// The list may be from the cache; what is counted down must be the stored one.
	return r.budgets.PodDisruptionBudgets(pod.Namespace).Get(ctx, found.Name, metav1.GetOptions{})
}

// take counts the budget down by this pod.
func (r *EvictionREST) take(ctx context.Context, pod *corev1.Pod, b policyv1.PodDisruptionBudget, dry bool) error {
	switch {
	case b.Status.ObservedGeneration < b.Generation:
		return refuse(10, "Cannot evict pod as it would violate the pod's disruption budget.", fmt.Sprintf("The disruption budget %s is still being processed by the server.", b.Name))
	case b.Status.DisruptionsAllowed < 0:
		return apierrors.NewForbidden(schema.GroupResource{Group: policyv1.GroupName, Resource: "poddisruptionbudgets"}, b.Name, fmt.Errorf("pdb disruptions allowed is negative"))
	case len(b.Status.DisruptedPods) > maxPending:
		return apierrors.NewForbidden(schema.GroupResource{Group: policyv1.GroupName, Resource: "poddisruptionbudgets"}, b.Name, fmt.Errorf("DisruptedPods map too big - too many evictions not confirmed by PDB controller"))
	case b.Status.DisruptionsAllowed == 0:
		return refuse(0, "Cannot evict pod as it would violate the pod's disruption budget.",
			fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently", b.Name, b.Status.DesiredHealthy, b.Status.CurrentHealthy))
	}
	if dry {
		return nil
	}
	now := b.DeepCopy()
	now.Status.DisruptionsAllowed--
	if now.Status.DisruptedPods == nil {
		now.Status.DisruptedPods = map[string]metav1.Time{}
	}
	now.Status.DisruptedPods[pod.Name] = metav1.Now()
	_, err := r.budgets.PodDisruptionBudgets(b.Namespace).UpdateStatus(ctx, now, metav1.UpdateOptions{})
	return err
}

// refuse is the 429 that tells a client to come again.
func refuse(seconds int, message, detail string) error {
	err := apierrors.NewTooManyRequests(message, seconds)
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Type: policyv1.DisruptionBudgetCause, Message: detail})
	return err
}
