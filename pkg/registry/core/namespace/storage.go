package namespace

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storageerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// REST is the storage of namespaces: a stored resource with a deletion of its own, and no deletion of many at once, which is
// why the store is a field here and not embedded.
type REST struct{ store *stored.REST }

var (
	_ rest.GracefulDeleter    = &REST{}
	_ rest.Creater            = &REST{}
	_ rest.Updater            = &REST{}
	_ rest.Getter             = &REST{}
	_ rest.Lister             = &REST{}
	_ rest.Watcher            = &REST{}
	_ rest.Scoper             = &REST{}
	_ rest.ShortNamesProvider = &REST{}
)

// FinalizeREST takes finalizers out of a namespace.
type FinalizeREST struct{ part *stored.StatusREST }

var (
	_ rest.Updater             = &FinalizeREST{}
	_ rest.ResetFieldsStrategy = &FinalizeREST{}
)

// New makes the storage of namespaces, their status and their finalization.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["namespaces"] = &REST{main}
	s["namespaces/finalize"] = &FinalizeREST{stored.NewPart(main, finalizeStrategy{resource.Part()})}
	return s, nil
}

// New implements rest.Storage.
func (r *FinalizeREST) New() runtime.Object { return r.part.New() }

// Destroy implements rest.Storage.
func (r *FinalizeREST) Destroy() {}

// Update implements rest.Updater.
func (r *FinalizeREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.part.Update(ctx, name, info, create, update, force, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *FinalizeREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.part.GetResetFields()
}

// Delete implements rest.GracefulDeleter. The first call marks the namespace and lets the controller empty it; later ones
// answer with a conflict until nothing is left.
func (r *REST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	obj, err := r.store.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, false, err
	}
	ns := obj.(*corev1.Namespace)
	if options == nil {
		options = metav1.NewDeleteOptions(0)
	}
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	if uid := options.Preconditions.UID; uid == nil {
		options.Preconditions.UID = &ns.UID
	} else if *uid != ns.UID {
		return nil, false, conflict(name, "Precondition failed: UID in precondition: %v, UID in object meta: %v", *uid, ns.UID)
	}
	if rv := options.Preconditions.ResourceVersion; rv != nil && *rv != ns.ResourceVersion {
		return nil, false, conflict(name, "Precondition failed: ResourceVersion in precondition: %v, ResourceVersion in object meta: %v", *rv, ns.ResourceVersion)
	}
	if ns.DeletionTimestamp.IsZero() {
		marked, err := r.mark(ctx, name, validate, options)
		return marked, false, err
	}
	if len(ns.Spec.Finalizers) > 0 {
		return ns, false, nil
	}
	return r.store.Store.Delete(ctx, name, validate, options)
}

func conflict(name, format string, args ...any) error {
	return apierrors.NewConflict(corev1.Resource("namespaces"), name, fmt.Errorf(format, args...))
}

func (r *REST) mark(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, error) {
	key, err := r.store.KeyFunc(ctx, name)
	if err != nil {
		return nil, err
	}
	pre := &storage.Preconditions{UID: options.Preconditions.UID, ResourceVersion: options.Preconditions.ResourceVersion}
	out := &corev1.Namespace{}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, out, false, pre, storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
		ns := obj.(*corev1.Namespace)
		if validate != nil {
			if err := validate(ctx, ns); err != nil {
				return nil, err
			}
		}
		if ns.DeletionTimestamp.IsZero() {
			now := metav1.Now()
			ns.DeletionTimestamp = &now
		}
		ns.Status.Phase = corev1.NamespaceTerminating
		orphan(ns, options)
		return ns, nil
	}), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		err = storageerr.InterpretGetError(err, corev1.Resource("namespaces"), name)
		return nil, storageerr.InterpretUpdateError(err, corev1.Resource("namespaces"), name)
	}
	return out, nil
}

// orphan adds or takes out the finalizer that leaves the dependents alone, as the request wants it.
func orphan(ns *corev1.Namespace, options *metav1.DeleteOptions) {
	var want *bool
	//lint:ignore SA1019 clients still send the deprecated field
	if options.OrphanDependents != nil {
		want = options.OrphanDependents //nolint:staticcheck
	} else if options.PropagationPolicy != nil {
		b := *options.PropagationPolicy == metav1.DeletePropagationOrphan
		want = &b
	}
	if want == nil {
		return
	}
	if options.PropagationPolicy != nil && *options.PropagationPolicy == metav1.DeletePropagationForeground && !slices.Contains(ns.Finalizers, metav1.FinalizerDeleteDependents) {
		ns.Finalizers = append(ns.Finalizers, metav1.FinalizerDeleteDependents)
	}
	ns.Finalizers = slices.DeleteFunc(ns.Finalizers, func(f string) bool { return f == metav1.FinalizerOrphanDependents })
	if *want {
		ns.Finalizers = append(ns.Finalizers, metav1.FinalizerOrphanDependents)
	}
}
