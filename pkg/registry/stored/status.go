package stored

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// StatusREST is the storage of a status subresource, or of another one that updates a part of the same stored object.
type StatusREST struct {
	store *genericregistry.Store
}

var (
	_ rest.Patcher             = &StatusREST{}
	_ rest.ResetFieldsStrategy = &StatusREST{}
	_ rest.TableConvertor      = &StatusREST{}
)

// NewStatus makes the storage of the status subresource.
func (r *Resource[T]) NewStatus(main *REST) *StatusREST {
	return NewPart(main, &statusStrategy[T]{newStrategy(r)})
}

// PartStrategy is the update strategy of a subresource that shares the main resource's stored object.
type PartStrategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsStrategy
}

// NewPart makes the storage of a subresource that updates the main resource's object by a strategy of its own.
func NewPart(main *REST, s PartStrategy) *StatusREST {
	store := *main.Store
	store.UpdateStrategy = s
	store.ResetFieldsStrategy = s
	return &StatusREST{store: &store}
}

// New implements rest.Storage.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy implements rest.Storage. The store is the main resource's, which destroys it.
func (r *StatusREST) Destroy() {}

// Get implements rest.Getter.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update implements rest.Updater. It never creates.
func (r *StatusREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, info, create, update, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *StatusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (r *StatusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, obj, options)
}

// Kept says which metadata a status update leaves as they are.
type Kept int

// Writable leaves all metadata to status writers too, as most kinds have it for historical reasons.
const (
	Writable Kept = iota
	Labels
	Metadata
)

type statusStrategy[T Object] struct{ *strategy[T] }

func (s *statusStrategy[T]) AllowCreateOnUpdate() bool { return false }

// PrepareForUpdate keeps all but the status. Metadata that users may write on the main resource stays writable here, as
// upstream has it, but for the deletion timestamp and owner references where the resource says so.
func (s *statusStrategy[T]) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	o, before := obj.(T), old.(T)
	if s.r.Spec != nil {
		assign(s.r.Spec(o), s.r.Spec(before))
	}
	switch s.r.StatusKeepsMetadata {
	case Labels:
		o.SetLabels(before.GetLabels())
	case Metadata:
		metav1.ResetObjectMetaForStatus(o, before)
	}
	if s.r.Generation {
		o.SetGeneration(before.GetGeneration())
	}
	if s.r.PrepareForStatusUpdate != nil {
		s.r.PrepareForStatusUpdate(ctx, o, before)
	}
}

func (s *statusStrategy[T]) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.r.StatusFinalizers {
		errs = s.finalizers(obj.(T))
	}
	if s.r.ValidateStatusUpdate != nil {
		errs = append(errs, s.r.ValidateStatusUpdate(obj.(T), old.(T))...)
	}
	if s.r.CheckStatusUpdate != nil {
		errs = append(errs, s.r.CheckStatusUpdate(ctx, obj.(T), old.(T))...)
	}
	return errs
}

func (s *statusStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

func (s *statusStrategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	var parts []fieldpath.Path
	if s.r.Spec != nil {
		parts = append(parts, fieldpath.MakePathOrDie("spec"))
	}
	switch s.r.StatusKeepsMetadata {
	case Labels:
		parts = append(parts, fieldpath.MakePathOrDie("metadata", "labels"))
	case Metadata:
		parts = append(parts, fieldpath.MakePathOrDie("metadata"))
	}
	if len(parts) == 0 {
		return nil
	}
	return s.r.resetSet(parts...)
}

// Part returns the strategy of an update that changes nothing by itself and checks nothing: the base on which a subresource
// builds its own.
func (r *Resource[T]) Part() PartStrategy { return &partStrategy[T]{newStrategy(r)} }

type partStrategy[T Object] struct{ *strategy[T] }

func (s *partStrategy[T]) AllowCreateOnUpdate() bool { return false }

func (s *partStrategy[T]) PrepareForUpdate(context.Context, runtime.Object, runtime.Object) {}

func (s *partStrategy[T]) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

func (s *partStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
