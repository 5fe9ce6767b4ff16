package scale

import (
	"context"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	rules "tiphys.dev/apirules/autoscaling/scale"

	"tiphys.dev/tiphys/pkg/registry/stored"
	"tiphys.dev/tiphys/pkg/registry/table"
)

// Workload says where a kind keeps what a Scale shows.
type Workload[T stored.Object] struct {
	// GroupVersion and Resource name the kind.
	GroupVersion schema.GroupVersion
	Resource     string
	// Replicas points to the wanted number; a missing one counts as 1.
	Replicas func(T) **int32
	// Current is the number there is.
	Current func(T) int32
	// Selector is the selector of the pods in text form.
	Selector func(T) (string, error)
}

// REST is the storage of the subresource.
type REST[T stored.Object] struct {
	store *genericregistry.Store
	w     Workload[T]
}

var (
	_ rest.Patcher                  = &REST[stored.Object]{}
	_ rest.GroupVersionKindProvider = &REST[stored.Object]{}
)

// New makes the storage of the subresource of a workload.
func New[T stored.Object](main *stored.REST, w Workload[T]) *REST[T] {
	return &REST[T]{store: main.Store, w: w}
}

var kind = autoscalingv1.SchemeGroupVersion.WithKind("Scale")

// New implements rest.Storage.
func (r *REST[T]) New() runtime.Object { return &autoscalingv1.Scale{} }

// Destroy implements rest.Storage. The store is the workload's, which destroys it.
func (r *REST[T]) Destroy() {}

// GroupVersionKind implements rest.GroupVersionKindProvider: scales are of another group than the workloads.
func (r *REST[T]) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind { return kind }

// Get implements rest.Getter.
func (r *REST[T]) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.store.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	return r.of(obj)
}

// ConvertToTable implements rest.TableConvertor.
func (r *REST[T]) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return table.New(schema.GroupResource{Group: r.w.GroupVersion.Group, Resource: r.w.Resource}, columns, row, nil).ConvertToTable(ctx, obj, options)
}

func (r *REST[T]) of(obj runtime.Object) (*autoscalingv1.Scale, error) {
	o, ok := obj.(T)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("unexpected type %T in the storage of %s", obj, r.w.Resource))
	}
	selector, err := r.w.Selector(o)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	s := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(),
			ResourceVersion: o.GetResourceVersion(), CreationTimestamp: o.GetCreationTimestamp(),
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: 1},
		Status: autoscalingv1.ScaleStatus{Replicas: r.w.Current(o), Selector: selector},
	}
	if n := *r.w.Replicas(o); n != nil {
		s.Spec.Replicas = *n
	}
	return s, nil
}

// handler translates who owns the replicas of the workload into who owns those of the scale, and back.
func (r *REST[T]) handler(o T) *managedfields.ScaleHandler {
	return managedfields.NewScaleHandler(o.GetManagedFields(), r.w.GroupVersion, managedfields.ResourcePathMappings{
		r.w.GroupVersion.String(): fieldpath.MakePathOrDie("spec", "replicas"),
	})
}

// Update implements rest.Updater.
func (r *REST[T]) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	obj, _, err := r.store.Update(ctx, name, &workloadInfo[T]{r: r, name: name, info: info}, r.validateCreate(create), r.validateUpdate(update), false, options)
	if err != nil {
		return nil, false, err
	}
	s, err := r.of(obj)
	return s, false, err
}

func (r *REST[T]) validateCreate(f rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		s, err := r.of(obj)
		if err != nil {
			return err
		}
		return f(ctx, s)
	}
}

func (r *REST[T]) validateUpdate(f rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		now, err := r.of(obj)
		if err != nil {
			return err
		}
		before, err := r.of(old)
		if err != nil {
			return err
		}
		return f(ctx, now, before)
	}
}

// workloadInfo turns an updated scale into an updated workload.
type workloadInfo[T stored.Object] struct {
	r    *REST[T]
	name string
	info rest.UpdatedObjectInfo
}

// Preconditions implements rest.UpdatedObjectInfo.
func (i *workloadInfo[T]) Preconditions() *metav1.Preconditions { return i.info.Preconditions() }

// UpdatedObject implements rest.UpdatedObjectInfo.
func (i *workloadInfo[T]) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	o, ok := old.DeepCopyObject().(T)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("expected existing object type to be %s, got %T", i.r.w.Resource, old))
	}
	if o.GetUID() == "" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: i.r.w.GroupVersion.Group, Resource: i.r.w.Resource + "/scale"}, i.name)
	}
	before, err := i.r.of(o)
	if err != nil {
		return nil, err
	}
	// Owners matter to server-side apply only; answers do not show them.
	if before.ManagedFields, err = i.r.handler(o).ToSubresource(); err != nil {
		return nil, err
	}
	obj, err := i.info.UpdatedObject(ctx, before)
	if err != nil {
		return nil, err
	}
	if obj == nil {
		return nil, apierrors.NewBadRequest("nil update passed to Scale")
	}
	s, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("expected input object type to be Scale, but %T", obj))
	}
	if errs := rules.Validate(s); len(errs) > 0 {
		return nil, apierrors.NewInvalid(kind.GroupKind(), s.Name, errs)
	}
	if s.ResourceVersion != "" {
		o.SetResourceVersion(s.ResourceVersion)
	}
	if s.UID != "" && s.UID != o.GetUID() {
		return nil, apierrors.NewConflict(schema.GroupResource{Group: i.r.w.GroupVersion.Group, Resource: i.r.w.Resource + "/scale"}, i.name,
			fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", s.UID, o.GetUID()))
	}
	replicas := s.Spec.Replicas
	*i.r.w.Replicas(o) = &replicas
	fields, err := i.r.handler(o).ToParent(s.ManagedFields)
	if err != nil {
		return nil, err
	}
	o.SetManagedFields(fields)
	return o, nil
}
